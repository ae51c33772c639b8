//! The cases that came from other programs' bug reports.

use gpt_assistant::render::{blocks, html};

use crate::checker::visible;

#[test]
fn c15_currency_is_no_formula_and_no_dollar_is_lost() {
    for text in [
        "Loja A (cerca de R$ 12,29/metro), Loja B (R$ 15,83/metro) e C (R$ 18,60)",
        "pays $1.50 a bundle, she makes $1.50 each",
        "$5 and $10",
        "$/PR is down but $/session is up",
        "价格$5到$10元",
    ] {
        for text in [
            text.to_owned(),
            text.replace("$1", "**$1**"),
            format!("- {text}"),
            format!("> {text}"),
            format!("# {text}"),
        ] {
            assert!(!html(&text).contains("<math"), "{text}");
            assert_eq!(visible(&text).matches('$').count(), text.matches('$').count(), "{text}");
        }
    }
    let code = html("C# $\"a\" and `$PATH`");
    assert_eq!(code, "<p lang=\"en\" dir=\"auto\">C# $&quot;a&quot; and <code dir=\"ltr\">$PATH</code></p>");
    assert_eq!(
        html("**$5** and **$10**"),
        "<p lang=\"en\" dir=\"auto\"><strong>$5</strong> and <strong>$10</strong></p>"
    );
    assert_eq!(
        visible("| a | b |\n|--|--|\n| $5 | $6 |").split_whitespace().collect::<Vec<_>>(),
        ["a", "b", "$5", "$6"]
    );
    for text in
        ["$E = mc^2$", "\\(x_i\\)", "$\\$0.60$", "a\n\n$$\nx = 1\n+ 2\n- 3\n$$", "- \\[\n  x\n  - y\n  \\]"]
    {
        assert_eq!(html(text).matches("<math").count(), 1, "{text}");
        assert!(!html(text).contains("tex"), "{text}");
    }
}

#[test]
fn c16_angle_brackets_keep_their_characters() {
    for text in [
        "Vec<T>, <foo> and </foo>, &lt;b&gt;",
        "what is enclosed in <>\n<channel>",
        "<text>\nI love this!\n</text>",
        "HashMap<K, V> <!-- no --> <br> <T: Into<String>>",
        "<div>\n*a*\n</div>",
        "a &amp; b &#60;i&#x3E; &quot;",
        "# <h1>",
        "- <li>",
        "<script>\nalert(1)",
        "<!-- never ends",
    ] {
        let bare = text.trim_start_matches(['#', '-', ' ']);
        let seen = visible(text);
        assert_eq!(seen.trim(), bare, "{text:?} -> {}", html(text));
    }
    assert_eq!(
        visible("<!-- open\n\n**bold**").trim(),
        "<!-- open\n\nbold",
        "what follows a tag is still read"
    );
    assert_eq!(
        visible("a&nbsp;b &copy; &rarr;").trim(),
        "a\u{a0}b © →",
        "other entities are what they stand for"
    );
    assert!(html("| a |\n|---|\n| b<br>c<BR/>d |").contains("b<br>c<br>d"), "cells have no other line break");
}

#[test]
fn c17_the_text_of_a_code_block_is_the_code() {
    let answer = "```rust\nif a < b && c > \"d\" { v.push('é'); }\n```\n```\n\tx\n```\n- ```html\n  &lt;b&gt; $5 \\(x\n  ```";
    let seen: Vec<String> =
        blocks(answer).iter().map(|block| crate::checker::check(block).unwrap()).collect();
    let seen: Vec<&str> = seen.iter().map(|text| text.trim_start_matches('\n')).collect();
    assert_eq!(seen, ["if a < b && c > \"d\" { v.push('é'); }", "\tx", "&lt;b&gt; $5 \\(x"]);
    assert_eq!(crate::checker::check(&blocks("```\na\n\n```")[0]).unwrap().trim_start_matches('\n').len(), 2);
}

#[test]
fn c30_direction_comes_from_the_first_letter_of_prose() {
    let answer = "`./run.sh -v` سپس این را اجرا کن (۲ بار)!\n\n- یک\n- two\n\n```sh\nls -l /tmp\n```";
    let blocks = blocks(answer);
    // `auto` does not look into elements that have a direction, so the code in front of it does not count.
    assert!(
        blocks[0].starts_with("<p dir=\"auto\"><code dir=\"ltr\">./run.sh -v</code> سپس"),
        "{}",
        blocks[0]
    );
    assert_eq!(
        blocks[1],
        "<ul lang=\"en\" dir=\"rtl\"><li dir=\"auto\">یک</li><li dir=\"auto\">two</li></ul>"
    );
    assert!(blocks[2].starts_with("<div class=\"code\" dir=\"ltr\""));
    assert!(html("> `x` שלום").starts_with("<blockquote dir=\"rtl\">"));
    assert!(
        html("| א | b |\n|---|---|\n| c | d |").starts_with("<div class=\"table\" lang=\"en\" dir=\"rtl\"")
    );
    assert!(
        html("- a\n\n- ب")
            .contains("<li dir=\"ltr\"><p dir=\"auto\">a</p></li><li dir=\"rtl\"><p dir=\"auto\">")
    );
}

#[test]
fn c32_bold_beside_chinese_punctuation() {
    for text in [
        "这是**“取出并重置”模式**。",
        "这是**\"取出并重置\"（take-and-reset）模式**。",
        "**该星号不会被识别。**这是因为",
        "**复现：**10 轮对话",
        "含**「重点」**内容",
    ] {
        let html = html(text);
        assert!(html.contains("<strong>") && !html.contains('*'), "{html}");
    }
    assert_eq!(visible("**Warning:**text").trim(), "**Warning:**text");
}

#[test]
fn headings_stand_below_the_turns_own() {
    assert!(html("# a").starts_with("<h3") && html("## a").starts_with("<h3"));
    assert!(html("### a").starts_with("<h4") && html("###### a").starts_with("<h4"));
}

#[test]
fn pictures_are_links_and_links_say_where_they_lead() {
    assert!(html("![a clock](https://e.example/c.png)").contains(">a clock (e.example)</a>"));
    assert!(html("![](https://e.example/c.png)").contains(">https://e.example/c.png</a>"));
    assert!(
        html("[![b](https://e.example/b.svg)](https://f.example)")
            .contains("nofollow\" target=\"_blank\">b</a>")
    );
    assert!(
        html("[https://bank.example](https://evil.example)")
            .contains(">https://bank.example (evil.example)</a>")
    );
    assert!(html("[home](https://evil.example)").contains(">home</a>"));
    assert_eq!(visible("[a](./b.md) [c](#d) [e](javascript:f)").trim(), "a (./b.md) c e (javascript:f)");
    assert!(html("[a](https://e.example/?a=1&amp;b=2)").contains("\"https://e.example/?a=1&amp;b=2\""));
}

#[test]
fn bare_addresses_end_where_chinese_goes_on() {
    let html = html("详见https://a.example/docs。**重要**：[文档](https://c.example/摆钟（乐器）)。");
    assert!(html.contains(">https://a.example/docs</a>。<strong>重要</strong>："), "{html}");
    assert!(html.contains("href=\"https://c.example/摆钟（乐器）\""), "{html}");
}

#[test]
fn footnotes_stay_where_they_are() {
    let html = html("a[^1] b[^none]\n\n[^1]: note\n\n[^x]: alone");
    assert!(html.contains("a<sup>1</sup> b[^none]"), "{html}");
    assert!(
        html.contains(
            "<div class=\"footnote\" lang=\"en\" dir=\"ltr\"><p dir=\"auto\"><sup>x</sup> alone</p></div>"
        ),
        "{html}"
    );
}

#[test]
fn nesting_ends_but_nothing_is_lost() {
    let quotes = format!("{} deep", "> ".repeat(60));
    assert!(visible(&quotes).contains("deep"));
    let list: String = (0..60).map(|level| format!("{}- w{level}\n", "  ".repeat(level))).collect();
    let seen = visible(&list);
    assert!((0..60).all(|level| seen.contains(&format!("w{level}"))), "{seen}");
    let emphasis = format!("{}core{}", "*a ".repeat(200), " b*".repeat(200));
    assert!(visible(&emphasis).contains("core"));
}

#[test]
fn the_corpus_is_safe_and_whole() {
    let markup = ["https", "http", "WARNING", "TIP", "python", "bash", "console", "diff", "rust", "html"];
    for (name, text) in crate::CORPUS {
        let seen = visible(text);
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3) {
            let around =
                [("\\", ""), ("/", ""), ("?", ""), ("&", ""), ("=", ""), ("", "."), ("\"", ""), ("", "\"")];
            let no_prose = markup.contains(&word)
                || around.iter().any(|(before, behind)| text.contains(&format!("{before}{word}{behind}")));
            assert!(seen.contains(word) || no_prose, "{name}: {word} is lost");
        }
    }
}
