//! What an answer is made of: paragraphs, headings, lists, quotes, tables, code.
//!
//! Every block is one element, so that a page can put the n-th of them in the n-th place. Elements that hold text have
//! `dir="auto"`; those that hold such elements have the direction of the first letter in them, because `auto` does not look into
//! elements that have a direction themselves.

use comrak::nodes::{AlertType, ListType, Node, NodeAlert, NodeList, NodeValue, TableAlignment};

use super::code;
use super::html::Html;
use super::inlines::{self, Place, footnote_mark, is_display, plain};
use super::math;
use super::script::{Direction, Tally};

/// Blocks within blocks; what is deeper is shown as text.
const MAX_DEPTH: usize = 32;

/// Writes the block `node`, which stands at the top.
pub(super) fn write(html: &mut Html, node: Node<'_>) {
    let mut tally = Tally::default();
    for inner in node.descendants() {
        if let NodeValue::Text(text) = &inner.data().value {
            tally.add(text);
        }
    }
    block(html, node, Scope { lang: tally.language(), zh: tally.language() == Some("zh"), depth: 0 });
}

#[derive(Debug, Clone, Copy)]
struct Scope {
    /// The language to mark the block with: only at the top.
    lang: Option<&'static str>,
    /// Whether the whole is Chinese.
    zh: bool,
    depth: usize,
}

impl Scope {
    fn inner(self) -> Scope {
        Scope { lang: None, depth: self.depth + 1, ..self }
    }
}

fn block(html: &mut Html, node: Node<'_>, scope: Scope) {
    let lang = ("lang", scope.lang);
    if scope.depth > MAX_DEPTH {
        return wrapped(html, "p", &[lang, ("dir", Some("auto"))], |html| {
            plain(html, node);
        });
    }
    match &node.data().value {
        NodeValue::Paragraph => paragraph(html, node, scope, None),
        NodeValue::Heading(heading) => {
            // A turn's hidden h2 is above these, and the page knows two sizes.
            let tag = if heading.level <= 2 { "h3" } else { "h4" };
            wrapped(html, tag, &[lang, ("dir", Some("auto"))], |html| {
                inlines::write(html, node, Place::default());
            });
        }
        NodeValue::List(list) => self::list(html, node, list, scope),
        NodeValue::BlockQuote => wrapped(html, "blockquote", &[lang, dir(node)], |html| {
            children(html, node, scope);
        }),
        NodeValue::Alert(alert) => self::alert(html, node, alert, scope),
        NodeValue::CodeBlock(block) => code::write(html, &block.info, &block.literal),
        NodeValue::HtmlBlock(block) => wrapped(html, "p", &[lang, ("dir", Some("auto"))], |html| {
            html.lines(&block.literal);
        }),
        NodeValue::ThematicBreak => html.open("hr", &[]),
        NodeValue::Table(table) => self::table(html, node, &table.alignments, scope),
        NodeValue::FootnoteDefinition(note) => footnote(html, node, &note.name, scope),
        _ => wrapped(html, "p", &[lang, ("dir", Some("auto"))], |html| {
            plain(html, node);
        }),
    }
}

fn wrapped(
    html: &mut Html,
    tag: &'static str,
    attributes: &[(&'static str, Option<&str>)],
    inside: impl FnOnce(&mut Html),
) {
    html.open(tag, attributes);
    inside(html);
    html.close(tag);
}

fn children(html: &mut Html, node: Node<'_>, scope: Scope) {
    for child in node.children() {
        block(html, child, scope.inner());
    }
}

/// The direction of an element that holds blocks.
fn dir(node: Node<'_>) -> (&'static str, Option<&'static str>) {
    let strong = node.descendants().find_map(|inner| match &inner.data().value {
        NodeValue::Text(text) => Direction::of(text),
        _ => None,
    });
    ("dir", strong.map(Direction::name))
}

/// A paragraph, with the mark of the footnote that it begins.
fn paragraph(html: &mut Html, node: Node<'_>, scope: Scope, mark: Option<&str>) {
    let apart = |node: Node<'_>| {
        is_display(node) || matches!(node.data().value, NodeValue::SoftBreak | NodeValue::LineBreak)
    };
    if mark.is_none() && node.children().all(apart) && node.children().any(is_display) {
        return wrapped(html, "div", &[("class", Some("display"))], |html| {
            for formula in node.children() {
                if let NodeValue::Math(formula) = &formula.data().value {
                    math::write(html, &formula.literal, true);
                }
            }
        });
    }
    wrapped(html, "p", &[("lang", scope.lang), ("dir", Some("auto"))], |html| {
        if let Some(name) = mark {
            footnote_mark(html, name);
            html.text(" ");
        }
        inlines::write(html, node, Place::default());
    });
}

fn list(html: &mut Html, node: Node<'_>, list: &NodeList, scope: Scope) {
    let ordered = list.list_type == ListType::Ordered;
    let tag = if ordered { "ol" } else { "ul" };
    let start = (ordered && list.start != 1).then(|| list.start.to_string());
    wrapped(html, tag, &[("lang", scope.lang), dir(node), ("start", start.as_deref())], |html| {
        for child in node.children() {
            item(html, child, list.tight, scope);
        }
    });
}

/// An item of a list; in a tight one its paragraphs are bare.
fn item(html: &mut Html, node: Node<'_>, tight: bool, scope: Scope) {
    let bare = |node: Node<'_>| {
        tight && matches!(node.data().value, NodeValue::Paragraph) && !node.children().all(is_display)
    };
    let dir = if node.first_child().is_some_and(bare) { ("dir", Some("auto")) } else { dir(node) };
    let task = match &node.data().value {
        NodeValue::TaskItem(task) => Some(task.symbol.is_some()),
        _ => None,
    };
    wrapped(html, "li", &[("class", task.map(|_| "task")), dir], |html| {
        if let Some(done) = task {
            html.open(
                "input",
                &[("type", Some("checkbox")), ("disabled", Some("")), ("checked", done.then_some(""))],
            );
            html.text(" ");
        }
        for child in node.children() {
            if bare(child) {
                inlines::write(html, child, Place::default());
            } else {
                block(html, child, scope.inner());
            }
        }
    });
}

fn table(html: &mut Html, node: Node<'_>, alignments: &[TableAlignment], scope: Scope) {
    wrapped(html, "div", &[("class", Some("table")), ("lang", scope.lang), dir(node)], |html| {
        html.open("table", &[]);
        let mut body = false;
        for row in node.children() {
            let head = matches!(row.data().value, NodeValue::TableRow(true));
            if !head && !body {
                html.open("tbody", &[]);
                body = true;
            }
            if head {
                wrapped(html, "thead", &[], |html| {
                    self::row(html, row, "th", alignments);
                });
            } else {
                self::row(html, row, "td", alignments);
            }
        }
        if body {
            html.close("tbody");
        }
        html.close("table");
    });
}

fn row(html: &mut Html, node: Node<'_>, tag: &'static str, alignments: &[TableAlignment]) {
    wrapped(html, "tr", &[], |html| {
        for (i, cell) in node.children().enumerate() {
            let class = match alignments.get(i) {
                Some(TableAlignment::Right) => Some("r"),
                Some(TableAlignment::Center) => Some("c"),
                _ => None,
            };
            // Cells that a short row left out are many in a hostile table, and have no text to direct.
            let dir = cell.first_child().map(|_| "auto");
            wrapped(html, tag, &[("class", class), ("dir", dir)], |html| {
                inlines::write(html, cell, Place::CELL);
            });
        }
    });
}

fn alert(html: &mut Html, node: Node<'_>, alert: &NodeAlert, scope: Scope) {
    let (class, english, chinese) = match alert.alert_type {
        AlertType::Note => ("alert note", "Note", "说明"),
        AlertType::Tip => ("alert tip", "Tip", "提示"),
        AlertType::Important => ("alert important", "Important", "重要"),
        AlertType::Warning => ("alert warning", "Warning", "警告"),
        AlertType::Caution => ("alert caution", "Caution", "当心"),
    };
    let word = if scope.zh { chinese } else { english };
    wrapped(html, "blockquote", &[("class", Some(class)), ("lang", scope.lang), dir(node)], |html| {
        html.open("p", &[("dir", Some("auto"))]);
        wrapped(html, "strong", &[], |html| {
            html.text(alert.title.as_deref().unwrap_or(word));
        });
        html.close("p");
        children(html, node, scope);
    });
}

/// A footnote stays where the model wrote it, which mostly is the end, whether or not anything refers to it.
fn footnote(html: &mut Html, node: Node<'_>, name: &str, scope: Scope) {
    wrapped(html, "div", &[("class", Some("footnote")), ("lang", scope.lang), dir(node)], |html| {
        let first = node.first_child().filter(|child| matches!(child.data().value, NodeValue::Paragraph));
        match first {
            Some(first) => paragraph(html, first, scope.inner(), Some(name)),
            None => wrapped(html, "p", &[("dir", Some("auto"))], |html| {
                footnote_mark(html, name);
            }),
        }
        for child in node.children().skip(usize::from(first.is_some())) {
            block(html, child, scope.inner());
        }
    });
}
