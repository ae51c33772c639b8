//! What stands in a paragraph: text, emphasis, code, links, formulas.

use comrak::nodes::{Node, NodeValue};

use super::html::Html;
use super::link::Address;
use super::math;

/// Emphasis within emphasis; what is deeper is shown without its own.
const MAX_DEPTH: usize = 32;

/// What the place forbids or allows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Links do not nest, and pictures are links here.
    in_link: bool,
    /// In a cell there is no other way to break a line than `<br>`, so that one is understood.
    in_cell: bool,
    depth: usize,
}

impl Place {
    pub const CELL: Place = Place { in_link: false, in_cell: true, depth: 0 };
}

/// Writes what is inside of `parent`.
pub(super) fn write(html: &mut Html, parent: Node<'_>, place: Place) {
    for node in parent.children() {
        inline(html, node, place);
    }
}

fn inline(html: &mut Html, node: Node<'_>, place: Place) {
    if place.depth > MAX_DEPTH {
        return plain(html, node);
    }
    match &node.data().value {
        NodeValue::Text(text) => html.text(text),
        NodeValue::SoftBreak | NodeValue::LineBreak => {
            // A formula on lines of its own brings its own.
            if !beside_display(node) {
                html.open("br", &[]);
            }
        }
        NodeValue::Code(code) => {
            html.open("code", &[("dir", Some("ltr"))]);
            html.text(&code.literal);
            html.close("code");
        }
        NodeValue::HtmlInline(tag) if place.in_cell && is_line_break(tag) => html.open("br", &[]),
        NodeValue::HtmlInline(tag) => html.text(tag),
        NodeValue::Emph => element(html, "em", node, place),
        NodeValue::Strong => element(html, "strong", node, place),
        NodeValue::Strikethrough => element(html, "del", node, place),
        NodeValue::Link(link) => self::link(html, node, &link.url, false, place),
        NodeValue::Image(link) => self::link(html, node, &link.url, true, place),
        NodeValue::FootnoteReference(reference) => footnote_mark(html, &reference.name),
        NodeValue::Math(formula) if formula.display_math => {
            html.open("span", &[("class", Some("display"))]);
            math::write(html, &formula.literal, true);
            html.close("span");
        }
        NodeValue::Math(formula) => math::write(html, &formula.literal, false),
        _ => write(html, node, deeper(place)),
    }
}

fn element(html: &mut Html, tag: &'static str, node: Node<'_>, place: Place) {
    html.open(tag, &[]);
    write(html, node, deeper(place));
    html.close(tag);
}

fn deeper(place: Place) -> Place {
    Place { depth: place.depth + 1, ..place }
}

/// The mark of the footnote `name`, in the text and before the note itself. There is no link between the two: it would need ids,
/// which two answers on one page could both claim.
pub(super) fn footnote_mark(html: &mut Html, name: &str) {
    html.open("sup", &[]);
    html.text(name);
    html.close("sup");
}

/// A link, or a picture, which is never fetched and becomes a link to itself. Where a reader would not see where it leads, the host
/// is written behind. An address that may not be followed is text.
fn link(html: &mut Html, node: Node<'_>, url: &str, picture: bool, place: Place) {
    let inside = Place { in_link: true, ..deeper(place) };
    let text = text_of(node);
    let Some(address) = Address::parse(url).filter(|_| !place.in_link) else {
        write(html, node, inside);
        // A place in the same page says nothing; every other address might be wanted.
        if !place.in_link && !url.is_empty() && !url.starts_with('#') && text != url {
            html.text(&format!(" ({url})"));
        }
        return;
    };
    let rel = Some("noopener noreferrer nofollow");
    html.open("a", &[("href", Some(&*address.url)), ("rel", rel), ("target", Some("_blank"))]);
    if text.trim().is_empty() {
        html.text(&address.url);
    } else {
        write(html, node, inside);
        if picture || address.belies(&text) {
            html.text(&format!(" ({})", address.host()));
        }
    }
    html.close("a");
}

fn text_of(node: Node<'_>) -> String {
    let mut text = String::new();
    for inner in node.descendants().skip(1) {
        match &inner.data().value {
            NodeValue::Text(literal) => text.push_str(literal),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::Math(formula) => text.push_str(&formula.literal),
            NodeValue::HtmlInline(tag) => text.push_str(tag),
            _ => {}
        }
    }
    text
}

fn is_line_break(tag: &str) -> bool {
    ["<br>", "<br/>", "<br />"].iter().any(|known| known.eq_ignore_ascii_case(tag))
}

/// Whether `node` is a formula on lines of its own.
pub(super) fn is_display(node: Node<'_>) -> bool {
    matches!(&node.data().value, NodeValue::Math(formula) if formula.display_math)
}

fn beside_display(node: Node<'_>) -> bool {
    [node.previous_sibling(), node.next_sibling()].into_iter().flatten().any(is_display)
}

/// Writes the text of everything in `node`, a line for each block, and nothing else. It does not recurse, so no depth is too much.
pub(super) fn plain(html: &mut Html, node: Node<'_>) {
    let begin = html.len();
    for inner in node.descendants() {
        let value = &inner.data().value;
        let breaks = value.block() || matches!(value, NodeValue::SoftBreak | NodeValue::LineBreak);
        if breaks && html.len() > begin {
            html.open("br", &[]);
        }
        match value {
            NodeValue::Text(literal) => html.text(literal),
            NodeValue::Code(code) => html.text(&code.literal),
            NodeValue::Math(formula) => html.text(&formula.literal),
            NodeValue::HtmlInline(tag) => html.text(tag),
            NodeValue::CodeBlock(code) => html.lines(&code.literal),
            NodeValue::HtmlBlock(block) => html.lines(&block.literal),
            NodeValue::FootnoteReference(reference) => footnote_mark(html, &reference.name),
            NodeValue::FootnoteDefinition(note) => footnote_mark(html, &note.name),
            NodeValue::Alert(alert) => html.text(alert.title.as_deref().unwrap_or_default()),
            _ => {}
        }
    }
}
