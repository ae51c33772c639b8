//! Random texts: nothing unsafe comes out, nothing goes missing.

use gpt_assistant::render::blocks;

use crate::checker::visible;
use crate::pieces::{TOKENS, random_text};
use crate::{CORPUS, Random};

#[rustfmt::skip]
const HOSTILE: &[&str] = &[
    "<img src=x onerror=alert(1)>", "<script>", "</script>", "</math>", "</code>", "</pre>", "<!--", "-->", "<svg onload=x>",
    "<a href=\"", "\">", "\"", "'", "<", ">", "&", "&lt;", "&#x3c;", "&#xfdd7;", "javascript:alert(1)", "data:text/html,x",
    "https://a.b/?\"onclick=x", "](", "[", "![", ")", "[^1]", "[^1]: ", "[a]: javascript:x\n", "<javascript:x>",
    "<https://a.b>", "\\operatorname{", "\\text{", "\\href{", "\\char", "\\class{x}{", "\\frac", "\\hat", "\\left(", "\\right)",
    "\\begin{matrix}", "\\end{matrix}", "\\boxed{", "\\color{red}", "\\tag{1}", "\\hspace{99em}", "\\\\", "}", "{", "^", "_",
    "$", "$$", "\\(", "\\)", "\\[", "\\]", "%", "#1", "~", "你", "\u{202e}", "\u{fdd7}", "\0",
];

#[test]
fn nothing_unsafe_comes_out() {
    let mut random = Random(0x5EED_0002);
    let tokens: Vec<&str> = TOKENS.iter().chain(HOSTILE).chain(HOSTILE).copied().collect();
    for _ in 0..crate::rounds(6000) {
        let text = random_text(&mut random, &tokens, 24);
        let seen = visible(&text);
        assert!(seen.len() <= 4 * text.len() + 100, "{text:?} -> {seen:?}");
    }
}

#[test]
fn nothing_unsafe_comes_out_of_formulas() {
    let mut random = Random(0x5EED_0003);
    let tokens: Vec<&str> =
        HOSTILE.iter().filter(|token| !token.contains(['$', '`', '\n'])).copied().collect();
    for _ in 0..crate::rounds(6000) {
        visible(&format!("$x{}x$", random_text(&mut random, &tokens, 12)));
    }
}

#[test]
fn nothing_goes_missing() {
    // Left out are constructs that take words away by right: addresses, titles, definitions, info strings, formulas.
    #[rustfmt::skip]
    let takes = [
        "](", "[a]: https://a.example\n", "```rust\n", "```", "``", "`", "~~", "![", "> [!NOTE]\n", "$", "$$", "$$\n", "\\(",
        "\\)", "\\[\n", "\\]", "[^1]: ", "<b>", "</b>", "<div>\n", ":", "<",
    ];
    let tokens: Vec<&str> = TOKENS.iter().filter(|token| !takes.contains(token)).copied().collect();
    let mut random = Random(0x5EED_0004);
    for _ in 0..crate::rounds(4000) {
        let mut text = String::new();
        let words = 1 + random.below(12);
        for word in 0..words {
            text.push_str(&random_text(&mut random, &tokens, 4));
            text.push_str(&format!("w{word}w"));
        }
        let seen = visible(&text);
        for word in 0..words {
            assert!(
                seen.contains(&format!("w{word}w")),
                "w{word}w of {text:?}\n is missing in {seen:?}\n {:?}",
                blocks(&text)
            );
        }
    }
}

#[test]
fn real_answers_cut_and_mixed_stay_safe() {
    let mut random = Random(0x5EED_0005);
    for _ in 0..crate::rounds(600) {
        let mut text = String::new();
        for _ in 0..1 + random.below(4) {
            let (_, answer) = CORPUS[random.below(CORPUS.len())];
            let from = answer.floor_char_boundary(random.below(answer.len()));
            let to = answer.ceil_char_boundary(from + random.below(400));
            text.push_str(&answer[from..to.min(answer.len())]);
            text.push_str(random.pick(HOSTILE));
        }
        visible(&text);
    }
}
