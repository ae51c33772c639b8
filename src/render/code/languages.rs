//! The languages that have colours, by the names that a code fence gives them.
//!
//! Their words are those that one sees most; what is left out is shown plain.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::Known;
use super::{formats, programs};

/// The language that `name`, in lower case, stands for.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    static KNOWN: LazyLock<Vec<Known>> =
        LazyLock::new(|| programs::ALL.iter().chain(formats::ALL).map(Known::new).collect());
    static NAMES: LazyLock<HashMap<&'static str, &'static Known>> = LazyLock::new(|| {
        let names =
            |known: &'static Known| known.language.names.split_whitespace().map(move |name| (name, known));
        KNOWN.iter().flat_map(names).collect()
    });
    NAMES.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::*;

    #[test]
    fn names_are_unique_and_can_be_written() {
        let mut seen = std::collections::HashSet::new();
        for name in
            programs::ALL.iter().chain(formats::ALL).flat_map(|language| language.names.split_whitespace())
        {
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(super::super::language_name(name).as_deref(), Some(name));
            assert!(find(name).is_some());
        }
        for name in ["js", "ts", "sh", "shell", "csharp", "c++", "py", "rs", "yml", "jsonc", "golang"] {
            assert!(seen.contains(name), "{name}");
        }
        assert!(find("plaintext").is_none() && find("text").is_none());
    }

    #[test]
    fn colours_of_common_languages() {
        for (name, code, expected) in [
            (
                "rs",
                "fn f<'a>(x: &'a str) -> u8 { b'x' } // c",
                "[k:fn] [f:f]<[t:'a]>(x: &[t:'a str]) -> [t:u8] { [s:b'x'] } [c:// c]",
            ),
            (
                "py",
                "@x\ndef f(a):\n    \"\"\"d\n\"\"\"\n    return g(1.5e-3) # c",
                "[f:@x]\n[k:def] [f:f](a):\n    [s:\"\"\"d\n\"\"\"]\n    [k:return] [f:g]([n:1.5e-3]) [c:# c]",
            ),
            (
                "js",
                "const a = `x${1}\n` + \"\\\"\"; a.map(B)",
                "[k:const] a = [s:`x${1}\n`] + [s:\"\\\"\"]; a.[f:map]([t:B])",
            ),
            (
                "sql",
                "SELECT count(*) FROM t WHERE a = 'x' -- c",
                "[k:SELECT] [f:count](*) [k:FROM] t [k:WHERE] a = [s:'x'] [c:-- c]",
            ),
            ("json", "{\"a\": [1, true, \"b\"]}", "{[t:\"a\"]: [[n:1], [k:true], [s:\"b\"]]}"),
            ("yaml", "a-b: c # d\n- http://x#y", "[t:a-b]: c [c:# d]\n- [t:http]://x#y"),
            (
                "sh",
                "for f in $A; do echo \"$f\" 'x'; done # c",
                "[k:for] f [k:in] [t:$A]; [k:do] [t:echo] [s:\"$f\" 'x']; [k:done] [c:# c]",
            ),
            (
                "css",
                "a { color: #fff; margin: 10px } /* c */",
                "a { [t:color]: [f:#fff]; [t:margin]: [n:10px] } [c:/* c */]",
            ),
            (
                "c",
                "#include <a.h>\nint main(void) { return 0x1F; }",
                "[k:#include] <a.h>\n[t:int] [f:main]([t:void]) { [k:return] [n:0x1F]; }",
            ),
            ("go", "x := `a\\` + \"b\"", "x := [s:`a\\`] + [s:\"b\"]"),
            ("toml", "a = \"b\" # c\n[d]", "[t:a] = [s:\"b\"] [c:# c]\n[d]"),
            ("lua", "--[[ a\n]] local x = [[b]] -- c", "[c:--[[ a\n]]] [k:local] x = [s:[[b]]] [c:-- c]"),
            ("js", "it's /* open", "it's [c:/* open]"),
            ("rs", "/* a /* b */ c */ 你好", "[c:/* a /* b */ c */] 你好"),
        ] {
            let html = painted(name, code);
            let short = html
                .replace("</span>", "]")
                .replace("<span class=\"", "[")
                .replace("\">", ":")
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            assert_eq!(short, expected, "{name}");
        }
    }
}
