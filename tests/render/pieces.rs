//! A growing answer: however it is cut, it ends like the whole, and no block changes once another one follows it.

use gpt_assistant::render::{Change, Stream, blocks};
use proptest::prelude::*;

use crate::{CORPUS, Random};

/// A page that does what it is told, and complains if it makes no sense.
#[derive(Default)]
pub struct Page {
    pub blocks: Vec<String>,
    end: usize,
    ended: bool,
    pub bytes: usize,
}

impl Page {
    pub fn apply(&mut self, text: &str, changes: Vec<Change>) {
        let taken_back = changes.last().is_some_and(|last| last.end < self.end);
        assert!(!taken_back, "{changes:?} take back text that was shown");
        for change in changes {
            assert!(change.index <= self.blocks.len(), "{change:?} leaves a gap");
            assert!(change.end <= text.len() && text.is_char_boundary(change.end), "{change:?}");
            // Before the end only the last block may change, or blocks be added behind it.
            assert!(
                self.ended || change.index + 1 >= self.blocks.len(),
                "{change:?} changes a settled block"
            );
            self.end = change.end;
            self.bytes += change.html.as_ref().map_or(0, String::len);
            match change.html {
                Some(html) if change.index == self.blocks.len() => self.blocks.push(html),
                Some(html) => self.blocks[change.index] = html,
                None => self.blocks.truncate(change.index),
            }
        }
    }

    /// Feeds `text` up to each of `ends`, and then says that it has ended. How many changes came at the very end.
    pub fn follow(&mut self, text: &str, ends: impl Iterator<Item = usize>) -> usize {
        let mut stream = Stream::new();
        for end in ends {
            let changes = stream.update(&text[..end]);
            self.apply(&text[..end], changes);
        }
        self.ended = true;
        self.end = 0;
        let changes = stream.finish(text);
        let late = changes.len();
        self.apply(text, changes);
        assert!(stream.update(text).is_empty());
        late
    }
}

fn ends(text: &str, step: usize) -> impl Iterator<Item = usize> {
    let boundaries: Vec<usize> = (1..=text.len()).filter(|&end| text.is_char_boundary(end)).collect();
    boundaries.into_iter().enumerate().filter(move |(i, _)| (i + 1) % step == 0).map(|(_, end)| end)
}

fn follows(text: &str, step: usize) {
    let mut page = Page::default();
    page.follow(text, ends(text, step));
    assert_eq!(page.blocks, blocks(text), "in steps of {step}: {text:?}");
}

#[test]
fn the_corpus_in_pieces_of_every_size() {
    for (_, text) in CORPUS {
        for step in [1, 2, 3, 5, 17, 100, 5000] {
            follows(text, step);
        }
        follows(&text.replace('\n', "\r\n"), 3);
    }
}

#[test]
fn c32_bold_cut_between_its_stars() {
    for text in ["这是**“取出并重置”模式**。\n", "**该星号不会被识别。**这是因为\n\n**复现：**10 轮对话"]
    {
        follows(text, 1);
    }
}

#[test]
fn an_open_code_block_is_sent_once_and_coloured_when_it_closes() {
    let text = "Here:\n\n```js\nif (a) {\n  b();\n}\n```\nDone.";
    let mut stream = Stream::new();
    let mut sent: Vec<(usize, Change)> = Vec::new();
    for end in 1..text.len() {
        sent.extend(stream.update(&text[..end]).into_iter().map(|change| (end, change)));
    }
    let code: Vec<&(usize, Change)> = sent.iter().filter(|(_, change)| change.index == 1).collect();
    assert_eq!(code.len(), 2, "{code:?}");
    let fence = text.find("```js\n").unwrap() + 6;
    assert_eq!((code[0].0, code[0].1.end, code[0].1.open), (fence, fence, true));
    assert!(
        code[0]
            .1
            .html
            .as_deref()
            .unwrap()
            .ends_with("data-lang=\"js\"><pre tabindex=\"0\"><code></code></pre></div>")
    );
    assert!(code[1].1.html.as_deref().unwrap().contains("<span class=\"k\">if</span>") && !code[1].1.open);
}

#[test]
fn a_code_block_is_sent_again_when_it_closes_though_it_looks_the_same() {
    let text = "```\na\n```\nb\n";
    let mut stream = Stream::new();
    let first = stream.update(&text[..6]).remove(0);
    let rest = stream.update(text);
    assert_eq!((rest.len(), rest[0].index, &rest[0].html), (2, 0, &first.html), "what the page put in goes");
}

#[test]
fn a_stream_can_move_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    sendable(Stream::new());
}

#[test]
fn the_tail_of_an_open_code_block_continues_its_text() {
    let text = "```\na\nb\nc\n";
    let mut stream = Stream::new();
    let first = stream.update(&text[..8]).remove(0);
    assert!(first.html.as_deref().unwrap().contains("<code>a\nb</code>"));
    assert_eq!(&text[first.end..], "\nc\n", "what the page appends to the code");
    assert!(stream.update(text).is_empty());
}

#[test]
fn what_becomes_a_definition_is_taken_away() {
    let mut page = Page::default();
    let text = "[a]:\nhttps://a.example\n\n[a]\n";
    page.follow(text, ends(text, 1));
    assert_eq!(page.blocks, blocks(text));
    assert_eq!(page.blocks.len(), 1);
}

#[test]
fn c27_an_endless_code_block_costs_nothing() {
    let mut text = String::from("```html\n");
    let (mut stream, mut page) = (Stream::new(), Page::default());
    for _ in 0..20_000 {
        text.push_str("<div>0123456789</div>\n");
        let changes = stream.update(&text);
        page.apply(&text, changes);
    }
    assert!(page.bytes < 1000, "{}", page.bytes);
}

#[test]
fn c27_a_long_block_is_not_sent_at_every_line() {
    let mut text = String::new();
    let (mut stream, mut page) = (Stream::new(), Page::default());
    for i in 0..2000 {
        text.push_str(&format!("- item {i} of a list that never ends\n"));
        let changes = stream.update(&text);
        page.apply(&text, changes);
    }
    assert!(page.bytes < 80 * text.len(), "{} for {}", page.bytes, text.len());
}

/// Pieces of Markdown that make all constructs, and break them.
#[rustfmt::skip]
pub const TOKENS: &[&str] = &[
    "a", "word", "你好", "，", "**", "*", "_", "~~", "`", "``", "```", "```\n", "```rust\n", "~~~\n", "\n", "\n", "\n\n", "\n\n",
    "\r\n", "> ", "- ", "* ", "1. ", "2) ", "  ", "    ", "\t", "# ", "## ", "---\n", "===\n", "| a | b |\n|--|-:|\n",
    "| c | d |\n", "|", "[", "](", ")", "]", "![", "[^1]", "[^1]: ", "[a]", "[a]: https://a.example\n", "https://a.example",
    "www.a.example", "a@b.example", "<b>", "</b>", "<div>\n", "<!--", "-->", "<script>\n", "&lt;", "&nbsp;", "&", "$", "$$",
    "$$\n", "$x^2$", "\\(", "\\)", "\\[\n", "\\]", "\\", "\\frac12", "{", "}", "[ ] ", "[x] ", "> [!NOTE]\n", "=", "+", "-",
    "#", "!", "שלום", "\"", "'", "<", ">", "0", "\u{fdd0}", "\0", "\r", ":", "  \n",
];

pub fn random_text(random: &mut Random, tokens: &[&str], length: usize) -> String {
    let count = 1 + random.below(length);
    (0..count).map(|_| random.pick(tokens)).collect()
}

#[test]
fn random_texts_in_random_pieces() {
    let mut random = Random(0x5EED_0001);
    let (mut late, mut all) = (0, 0);
    for _ in 0..crate::rounds(1500) {
        let text = random_text(&mut random, TOKENS, 40);
        let step = 1 + random.below(9);
        let mut page = Page::default();
        let changes = page.follow(&text, ends(&text, step));
        assert_eq!(page.blocks, blocks(&text), "{text:?}");
        // One late change is the last block, whose last line had no end.
        late += usize::from(changes > 1);
        all += 1;
    }
    println!("{late} of {all} texts had a settled block set right at the end");
    assert!(late * 4 < all, "settled blocks are hardly ever wrong: {late} of {all}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::rounds(128) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_any_pieces(parts in prop::collection::vec(prop::sample::select(TOKENS), 0..60), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let text: String = parts.concat();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
        ends.sort_unstable();
        let mut page = Page::default();
        page.follow(&text, ends.into_iter());
        prop_assert_eq!(page.blocks, blocks(&text));
    }
}

/// Prints what rendering costs; `make soak` runs it in a release build, where a tenth of a second is wanted and ten times
/// that would be another algorithm.
#[test]
#[ignore = "it measures, which only a release build is worth: make soak"]
fn cost_of_a_growing_answer() {
    let corpus: String = CORPUS.iter().map(|(_, text)| format!("{text}\n\n")).collect();
    let code = "```rust\nfn main() {\n    let a: Vec<u8> = vec![1, 2, 3]; // numbers\n    println!(\"{a:?}\");\n}\n```\n\n";
    for (name, unit) in [
        ("corpus", corpus.as_str()),
        ("code", code),
        ("one list", "- an item with **bold** words, `code` and a [link](https://a.example)\n"),
        ("one paragraph", "A line of *text* with `code` in it, and no blank line after it.\n"),
        ("one table", "| a | b |\n|---|---|\n"),
    ] {
        let row = if name == "one table" { "| a cell with **bold** | and $x^2$ |\n" } else { unit };
        let mut text = unit.to_owned();
        while text.len() < 64 << 10 {
            text.push_str(row);
        }
        text.truncate(text.floor_char_boundary(64 << 10));
        let mut stream = Stream::new();
        let (mut updates, mut bytes) = (0, 0);
        let start = std::time::Instant::now();
        for end in (5..text.len()).step_by(5) {
            let changes = stream.update(&text[..text.floor_char_boundary(end)]);
            updates += usize::from(!changes.is_empty());
            bytes += changes.iter().filter_map(|change| change.html.as_ref()).map(String::len).sum::<usize>();
        }
        let growing = start.elapsed();
        assert!(growing.as_secs() < 1, "{name}: {growing:?}");
        let start = std::time::Instant::now();
        stream.finish(&text);
        println!(
            "{name:14} 64 KiB in pieces of 5: {growing:.1?} ({updates} updates, {bytes} bytes sent), end {:.1?}",
            start.elapsed()
        );
    }
}
