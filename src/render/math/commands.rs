//! The TeX commands that must be told apart: by what follows them, or because the converter does not know them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a command is to `tex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One argument, a formula.
    One,
    /// Two of them.
    Two,
    /// One, and before it one in brackets that may be left out.
    Bracketed,
    /// One argument, words.
    Words,
    /// A delimiter follows.
    Size,
    /// `\begin`, `\end`.
    Environment,
    /// An operator that may have a star, with its name for an argument.
    Operator,
    /// An operator written without `\operatorname`; this is its name.
    Named(&'static str),
    /// The argument gets a box.
    Boxed,
    /// The first argument, a colour, is dropped; the second is a formula.
    Coloured,
    /// The first so many arguments are dropped; the one behind them is words.
    ColouredWords(usize),
    /// The argument is dropped.
    Dropped,
    /// It means nothing here.
    Nothing,
    /// The number of an equation.
    Tag,
    /// A blank.
    Blank,
    /// `\\`.
    LineEnd,
    /// It defines, counts, or nests by other means than braces: not for the converter.
    Refused,
    /// Anything else: the converter knows it, or refuses it.
    Plain,
}

/// All kinds but the last with their commands, separated by blanks.
const COMMANDS: &[(Kind, &str)] = &[
    (
        Kind::One,
        "acute bar breve check ddot dot grave hat mathring tilde vec widecheck widehat wideparen widetilde",
    ),
    (
        Kind::One,
        "overbrace overbracket overgroup overleftarrow overleftharpoon overleftrightarrow overline overparen",
    ),
    (
        Kind::One,
        "overrightarrow overrightharpoon Overrightarrow underbar underbrace underbracket undergroup underleftarrow",
    ),
    (
        Kind::One,
        "underleftrightarrow underline underparen underrightarrow boldsymbol cancel not pmod substack bf cal it rm",
    ),
    (
        Kind::One,
        "sf tt mathbb mathbf mathcal mathfrak mathit mathnormal mathrm mathsf mathtt mathup mathord mathbin mathrel",
    ),
    (
        Kind::One,
        "mathopen mathclose mathpunct mathinner mathbbit mathbfcal mathbffrak mathbfit mathbfsfit mathbfsfup",
    ),
    (
        Kind::One,
        "mathbfup mathsfit mathsfup symbb symbbit symbf symbfcal symbffrak symbfit symbfsfit symbfsfup symbfup",
    ),
    (Kind::One, "symcal symfrak symit symnormal symrm symsf symsfit symsfup symtt symup"),
    (Kind::Two, "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel"),
    (Kind::Bracketed, "sqrt xleftarrow xrightarrow"),
    (Kind::Words, "text textrm textbf textit textsf texttt mbox hbox textnormal textup emph"),
    (
        Kind::Size,
        "left right middle big bigl bigr bigm Big Bigl Bigr Bigm bigg biggl biggr biggm Bigg Biggl Biggr Biggm",
    ),
    (Kind::Environment, "begin end"),
    (Kind::Operator, "operatorname mathop"),
    (Kind::Named("arg max"), "argmax"),
    (Kind::Named("arg min"), "argmin"),
    (Kind::Named("softmax"), "softmax"),
    (Kind::Named("Var"), "Var"),
    (Kind::Named("Cov"), "Cov"),
    (Kind::Named("tr"), "tr Tr"),
    (Kind::Named("rank"), "rank"),
    (Kind::Named("sign"), "sign"),
    (Kind::Named("diag"), "diag"),
    (Kind::Boxed, "boxed fbox"),
    (Kind::Coloured, "textcolor"),
    (Kind::ColouredWords(1), "colorbox"),
    (Kind::ColouredWords(2), "fcolorbox"),
    (Kind::Dropped, "label color"),
    (Kind::Nothing, "notag nonumber displaylimits mathstrut"),
    (Kind::Tag, "tag"),
    (Kind::Blank, "nobreakspace space"),
    (
        Kind::Refused,
        "def let futurelet newcommand renewcommand providecommand char relax begingroup endgroup buildrel genfrac",
    ),
    (Kind::Refused, "sideset hskip kern mkern mskip"),
];

/// Commands with the name by which the converter knows them.
const ALIASES: &[(&str, &str)] = &[
    ("bm", "boldsymbol"),
    ("pmb", "boldsymbol"),
    ("mathscr", "mathcal"),
    ("mathds", "mathbb"),
    ("mathbbm", "mathbb"),
    ("Bbb", "mathbb"),
    ("bold", "mathbf"),
    ("smash", "mathord"),
    ("lvert", "vert"),
    ("rvert", "vert"),
    ("lVert", "Vert"),
    ("rVert", "Vert"),
];

/// The name by which the converter knows `name`.
pub(super) fn alias(name: &str) -> &str {
    let found = ALIASES.iter().find(|(alias, _)| *alias == name);
    found.map_or(name, |(_, known)| known)
}

/// What the command `name` is.
pub(super) fn kind(name: &str) -> Kind {
    static KINDS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
        let words = |(kind, names): &(Kind, &'static str)| {
            let kind = *kind;
            names.split(' ').map(move |name| (name, kind))
        };
        COMMANDS.iter().flat_map(words).collect()
    });
    match alias(name) {
        " " | "\n" | "\t" => Kind::Blank,
        "\\" => Kind::LineEnd,
        name => KINDS.get(name).copied().unwrap_or(Kind::Plain),
    }
}
