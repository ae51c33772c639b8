//! TeX to MathML.
//!
//! The converter is somebody else's and not made for hostile input: it writes some names unescaped, panics inside characters,
//! and recurses once for each command that is another one's argument, which ends the process. So it sees only what `tex` has
//! rewritten, runs behind a net, and what it says is read by `mathml`, which lets nothing pass that it does not know.

mod commands;
mod mathml;
mod rewrite;
mod tex;

use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, ParserError, RenderConfig, Storage, write_mathml};

use super::guard::guarded;
use super::html::Html;
use super::stand_in::show;

/// Bytes of TeX; longer sources are shown as they are.
const MAX_TEX: usize = 4 << 10;

/// Writes the formula `source`: as MathML, or, where it cannot be read, its source.
pub(super) fn write(html: &mut Html, source: &str, display: bool) {
    let source = show(source);
    let source = source.trim();
    if source.len() > MAX_TEX || !converted(html, source, display) {
        html.open("code", &[("class", Some("tex")), ("dir", Some("ltr"))]);
        html.text(source);
        html.close("code");
    }
}

/// Writes MathML for `source`; `false`, and nothing is written, if it cannot be made.
fn converted(html: &mut Html, source: &str, display: bool) -> bool {
    let Some(tex) = tex::plain(source, display) else {
        return false;
    };
    let Some(Some(raw)) = guarded(|| convert(&tex, display)) else {
        return false;
    };
    mathml::write(html, &raw, display)
}

fn convert(tex: &str, display: bool) -> Option<String> {
    let storage = Storage::new();
    // An error in the middle would be drawn as a box that holds the source unescaped: all or nothing.
    let events = Parser::new(tex, &storage).collect::<Result<Vec<_>, ParserError>>().ok()?;
    let display_mode = if display { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    let mut raw = Vec::new();
    write_mathml(&mut raw, events.into_iter().map(Ok::<_, ParserError>), config).ok()?;
    String::from_utf8(raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn math(source: &str) -> String {
        let mut html = Html::default();
        write(&mut html, source, false);
        html.into_string()
    }

    #[test]
    fn formulas_of_all_kinds_become_mathml() {
        for source in include_str!("formulas.txt").lines() {
            let html = math(source);
            assert!(html.starts_with("<math ") && html.ends_with("</math>"), "{source} -> {html}");
            assert!(
                !html.contains('\\') && !html.contains('\u{fffd}') && !html.contains("nbsp"),
                "{source} -> {html}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_shows_its_source() {
        for source in [
            r"\ce{H2O}",
            r"a \over b",
            r"\frac{1}{2",
            r"\unknown{x}",
            r"\def\a{\a\a}\a",
            r"\href{javascript:1}{x}",
        ] {
            assert_eq!(
                math(source),
                format!("<code class=\"tex\" dir=\"ltr\">{}</code>", source.replace('&', "&amp;"))
            );
        }
        let long = "x+".repeat(3000);
        assert!(math(&long).starts_with("<code"));
    }

    #[test]
    fn f11_names_and_texts_stay_text() {
        for source in [
            r"\operatorname{<img src=x onerror=alert(1)>}",
            r"\operatorname{</math><script>alert(1)</script>}",
            r"\mathop{</math><script>alert(1)</script>}",
            r"\text{</mtext></math><img src=x>}",
            r"\mbox{<script>}",
            r"\textcolor{red;background:url(//evil)}{x}",
            r"a<b>c",
        ] {
            let html = math(source);
            assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("style"), "{html}");
        }
    }

    #[test]
    fn i13_arguments_of_arguments_end_no_process() {
        for unit in [
            r"\hat",
            r"\sqrt",
            r"\frac",
            r"\not",
            r"\text",
            r"x^",
            r"\overset a",
            r"\frac{a}",
            r"\relax",
            "%\n",
            "{",
            r"\left(",
            r"\mathbf",
            r"\textcolor{red}",
            r"\boxed",
            r"\xrightarrow[a]",
            r"\sqrt[3]",
            r"\substack",
        ] {
            let source = unit.repeat(4000 / unit.len());
            let thread =
                std::thread::Builder::new().stack_size(512 << 10).spawn(move || math(&source)).unwrap();
            thread.join().unwrap();
        }
    }
}
