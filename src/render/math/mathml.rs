//! Reads the converter's output and writes it anew: known tags that close, known attributes with known kinds of values, and text.

use super::super::html::Html;
use super::rewrite::BOX;

/// The elements of MathML Core that the converter uses, without the outermost.
const TAGS: &str = "mrow mi mo mn mtext mspace mfrac msqrt mroot mstyle mpadded msub msup msubsup munder \
    mover munderover mtable mtr mtd";
/// Elements within elements; more would be a burden to a browser.
const MAX_DEPTH: usize = 80;
/// How long a space or a rule may be, in em.
const MAX_LENGTH: f32 = 24.0;

/// The classes by which the converter tells how tables are set, and our own.
const CLASSES: &str = "menv-alignlike menv-align menv-with-eqn menv-arraylike menv-cells-left \
    menv-cells-right menv-cases menv-multline menv-nonumber menv-hline menv-hdashline \
    menv-left-solid menv-left-dashed menv-right-solid menv-right-dashed menv-border-only \
    cell-left cell-right small mop-negated";

/// Writes the formula `raw`; `false`, and nothing is written, if there is anything in it that is not known.
pub(super) fn write(html: &mut Html, raw: &str, display: bool) -> bool {
    let Some(body) = raw
        .strip_prefix("<math")
        .and_then(|rest| rest.split_once('>'))
        .and_then(|(_, rest)| rest.strip_suffix("</math>"))
    else {
        return false;
    };
    let mut out = Html::default();
    // In a paragraph's direction a formula counts as little as code.
    out.open("math", &[("display", Some(if display { "block" } else { "inline" })), ("dir", Some("ltr"))]);
    if elements(&mut out, body).is_none() {
        return false;
    }
    out.close("math");
    html.append(&out);
    true
}

fn elements(out: &mut Html, mut rest: &str) -> Option<()> {
    let mut open: Vec<&'static str> = Vec::new();
    while let Some(at) = rest.find('<') {
        text(out, &rest[..at]);
        let tag = &rest[at + 1..];
        // A relation is written bare: `<mo><</mo>`.
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            out.text("<");
            rest = tag;
            continue;
        }
        let (inside, behind) = tag.split_once('>')?;
        rest = behind;
        if let Some(name) = inside.strip_prefix('/') {
            out.close(open.pop().filter(|known| *known == name)?);
            continue;
        }
        let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        let name = word_of(TAGS, name)?;
        let boxed = if name == "mrow" { boxed(rest) } else { None };
        rest = boxed.unwrap_or(rest);
        start(out, name, attributes, boxed.is_some())?;
        if empty {
            out.close(name);
        } else {
            open.push(name);
        }
        if open.len() > MAX_DEPTH {
            return None;
        }
    }
    text(out, rest);
    open.is_empty().then_some(())
}

/// `word` if it is one of `words`.
fn word_of(words: &'static str, word: &str) -> Option<&'static str> {
    words.split(' ').find(|known| *known == word)
}

/// What follows the sign for a box, if `rest` begins with it.
fn boxed(rest: &str) -> Option<&str> {
    let (_, behind) = rest.strip_prefix("<mi").and_then(|rest| rest.split_once('>'))?;
    behind.strip_prefix(BOX)?.strip_prefix("</mi>")
}

fn start(out: &mut Html, name: &'static str, mut rest: &str, boxed: bool) -> Option<()> {
    let mut class = String::from(if boxed { "boxed" } else { "" });
    let mut known: Vec<(&'static str, Option<&str>)> = Vec::new();
    while !rest.trim().is_empty() {
        // The blank between attributes is missing at times.
        let (key, behind) = rest.trim_start().split_once("=\"")?;
        let (value, behind) = behind.split_once('"')?;
        rest = behind;
        if key == "class" {
            for part in value.split(' ').filter_map(|part| word_of(CLASSES, part)) {
                class.push_str(if class.is_empty() { "" } else { " " });
                class.push_str(part);
            }
        } else if let Some(key) = attribute(key, value) {
            known.push((key, Some(value)));
        }
    }
    known.push(("class", Some(class.as_str()).filter(|class| !class.is_empty())));
    out.open(name, &known);
    Some(())
}

/// The attribute `key` if it may have `value`; colours and all other styles may not.
fn attribute(key: &str, value: &str) -> Option<&'static str> {
    const SWITCHES: &str = "stretchy symmetric movablelimits largeop displaystyle";
    const LENGTHS: &str = "width height depth minsize maxsize linethickness";
    match value {
        "true" | "false" => word_of(SWITCHES, key),
        "0" | "1" | "2" if key == "scriptlevel" => Some("scriptlevel"),
        "normal" if key == "mathvariant" => Some("mathvariant"),
        length => word_of(LENGTHS, key).filter(|_| is_length(length)),
    }
}

fn is_length(value: &str) -> bool {
    let Some((number, em)) =
        [("em", 1.0), ("ex", 0.5), ("pt", 0.1), ("mm", 0.24), ("cm", 2.4), ("in", 6.0), ("pc", 1.2)]
            .into_iter()
            .find_map(|(unit, em)| value.strip_suffix(unit).map(|number| (number, em)))
    else {
        return false;
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b".-".contains(&b));
    plain && number.parse::<f32>().is_ok_and(|number| (number * em).abs() <= MAX_LENGTH)
}

/// Text as the converter escapes it.
fn text(out: &mut Html, raw: &str) {
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.text(&rest[..at]);
        let entity = [("&nbsp;", "\u{a0}"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
            .into_iter()
            .find(|(name, _)| rest[at..].starts_with(name));
        let (name, character) = entity.unwrap_or(("&", "&"));
        out.text(character);
        rest = &rest[at + name.len()..];
    }
    out.text(rest);
}
