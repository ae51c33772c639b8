//! The languages that have colours. The most common ones of a conversation come first; the list is short words on purpose, what
//! it leaves out is shown plain.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Class::{Function, Keyword, Type};
use super::families::{
    BACKTICK, C_LIKE, CHARACTER, DATA, DOUBLE, HASH, LISP, LONG_DOUBLE, LONG_SINGLE, PLAIN_HABITS,
    RAW_BACKTICK, SINGLE, TRIPLE_DOUBLE, TRIPLE_SINGLE, raw,
};
use super::words::{Habits, Known, Language};

/// The language that `name`, in lower case, stands for.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    static KNOWN: LazyLock<Vec<Known>> =
        LazyLock::new(|| LANGUAGES.iter().map(Known::new).collect());
    static NAMES: LazyLock<HashMap<&'static str, &'static Known>> = LazyLock::new(|| {
        KNOWN
            .iter()
            .flat_map(|known| {
                known
                    .language
                    .names
                    .split_whitespace()
                    .map(move |name| (name, known))
            })
            .collect()
    });
    NAMES.get(name).copied()
}

const SQL_HABITS: Habits = Habits {
    fold_case: true,
    calls: true,
    ..PLAIN_HABITS
};
const SHELL_HABITS: Habits = Habits {
    spaced_comments: true,
    ..PLAIN_HABITS
};

const LANGUAGES: &[Language] = &[
    Language {
        names: "python py python3 py3 ipython pycon starlark bzl",
        keywords: "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield True False None",
        types: "int float str bool bytes list dict set tuple object type range self cls Exception",
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        sigils: &[(b'@', Function)],
        ..HASH
    },
    Language {
        names: "javascript js jsx mjs cjs node typescript ts tsx mts cts",
        keywords: "abstract any as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let namespace new null of private protected public readonly return satisfies set static super switch this throw true try type typeof undefined var void while with yield",
        types: "string number boolean object symbol bigint unknown never Array Promise Map Set Record Partial console document window",
        quotes: &[DOUBLE, SINGLE, BACKTICK],
        sigils: &[(b'@', Function)],
        inside: b"$",
        ..C_LIKE
    },
    Language {
        names: "bash sh shell zsh console terminal shellsession shell-session fish ash ksh",
        keywords: "if then else elif fi for in do done while until case esac function select return break continue local export declare readonly unset shift exit set source alias sudo",
        types: "echo printf cd ls cat grep sed awk find xargs curl wget git docker npm pip apt apt-get brew cargo make mkdir rm cp mv chmod chown tar ssh kill ps systemctl",
        comments: &["#"],
        quotes: &[LONG_DOUBLE, raw("'", "'")],
        sigils: &[(b'$', Type)],
        inside: b"-",
        habits: SHELL_HABITS,
        ..HASH
    },
    Language {
        names: "rust rs",
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self static struct super trait true type unsafe use where while macro_rules",
        types: "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize Self",
        quotes: &[raw("r#\"", "\"#"), raw("r\"", "\""), LONG_DOUBLE, CHARACTER],
        sigils: &[(b'\'', Type)],
        habits: Habits {
            nested: true,
            ..C_LIKE.habits
        },
        ..C_LIKE
    },
    Language {
        names: "go golang",
        keywords: "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var true false nil iota",
        types: "bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any",
        quotes: &[DOUBLE, SINGLE, RAW_BACKTICK],
        ..C_LIKE
    },
    Language {
        names: "c h cpp c++ cc cxx hpp h++ arduino ino cuda cu objc objective-c objectivec glsl hlsl wgsl opencl",
        keywords: "alignas alignof asm auto break case catch class concept const consteval constexpr const_cast continue co_await co_return co_yield decltype default delete do dynamic_cast else enum explicit extern false final for friend goto if inline mutable namespace new noexcept nullptr operator override private protected public register reinterpret_cast requires restrict return signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typename union unsigned using virtual volatile while NULL",
        types: "bool char double float int long short void wchar_t size_t ssize_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t std string vector map unordered_map set pair unique_ptr shared_ptr optional vec2 vec3 vec4 mat4",
        sigils: &[(b'#', Keyword), (b'@', Keyword)],
        ..C_LIKE
    },
    Language {
        names: "java kotlin kt kts groovy gradle scala sc",
        keywords: "abstract as assert break by case catch class companion const continue data def default do else enum extends false final finally for fun given goto if implements implicit import in init inline instanceof interface internal is lateinit lazy match native new null object open operator out override package permits private protected public reified return sealed static strictfp super suspend switch synchronized this throw throws trait transient true try type typealias using val var vararg volatile when where while with yield",
        types: "boolean byte char double float int long short void string String Int Long Double Boolean Unit Any Nothing List Map Set",
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        sigils: &[(b'@', Function)],
        ..C_LIKE
    },
    Language {
        names: "csharp cs c# dotnet fsharp fs f#",
        keywords: "abstract and as async await base break case catch checked class const continue default delegate do done elif else end enum event explicit extern false finally fixed for foreach from fun get goto group if implicit in init inner interface internal into is join let lock match member module mutable namespace new not null of on open operator or orderby out override params partial private protected public readonly rec record ref required return sealed select set sizeof stackalloc static struct switch then this throw true try type typeof unchecked unsafe use using val value var virtual volatile when where while with yield",
        types: "bool byte char decimal double dynamic float int long nint nuint object sbyte short string uint ulong unit ushort void",
        blocks: &[("/*", "*/"), ("(*", "*)")],
        quotes: &[TRIPLE_DOUBLE, raw("@\"", "\""), DOUBLE, CHARACTER],
        sigils: &[(b'#', Keyword)],
        ..C_LIKE
    },
    Language {
        names: "swift dart solidity sol zig odin v vlang haxe hx",
        keywords: "abstract actor any as associatedtype async await break case catch class comptime const constructor continue contract covariant default defer deinit do dynamic else emit enum event export extends extension external factory fallthrough false fileprivate final finally fn for func function get guard if implements import in indirect infix init inout interface internal is late lazy let library mapping mixin modifier mut mutating nil null on open operator override part pragma private protected protocol pub public required rethrow rethrows return returns self set some static struct subscript super switch sync this throw throws true try typealias undefined unowned using var view virtual void weak when where while with yield",
        types: "Int String Double Float Bool Character Array Dictionary Set Optional Self int double num bool uint uint256 address bytes bytes32 string u8 u16 u32 u64 i32 i64 usize f32 f64",
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        sigils: &[(b'@', Function), (b'#', Keyword)],
        habits: Habits {
            nested: true,
            ..C_LIKE.habits
        },
        ..C_LIKE
    },
    Language {
        names: "php",
        keywords: "abstract and array as break callable case catch class clone const continue declare default do echo else elseif empty enum extends false final finally fn for foreach function global goto if implements include include_once instanceof insteadof interface isset list match namespace new null or print private protected public readonly require require_once return static switch this throw trait true try unset use var while xor yield",
        types: "bool float int iterable mixed never object self string void php",
        comments: &["//", "#"],
        sigils: &[(b'$', Type)],
        quotes: &[LONG_DOUBLE, LONG_SINGLE],
        ..C_LIKE
    },
    Language {
        names: "ruby rb rake erb crystal cr elixir ex exs",
        keywords: "alias and after begin break case catch class cond def defmacro defmodule defp defined defstruct do else elsif end ensure extend false fn for if import in include loop module next nil not or private protected public quote raise redo require require_relative rescue retry return self super then throw true try undef unless until use when while with yield attr_accessor attr_reader attr_writer",
        quotes: &[TRIPLE_DOUBLE, LONG_DOUBLE, LONG_SINGLE],
        sigils: &[(b'@', Type), (b':', Type), (b'$', Type)],
        inside: b"?!",
        habits: Habits {
            spaced_comments: true,
            ..HASH.habits
        },
        ..HASH
    },
    Language {
        names: "sql mysql postgresql postgres psql sqlite plsql pgsql tsql t-sql mssql mariadb oracle bigquery snowflake hql cql",
        keywords: "add all alter analyze and any as asc autoincrement auto_increment begin between by cascade case check column commit conflict constraint create cross current database declare default delete desc distinct do drop else elsif end escape except exec execute exists explain false fetch filter first following for foreign from full function generated grant group grouping having if ignore in index inner insert instead intersect interval into is isolation join key language last lateral left like limit loop materialized merge natural new no not nothing null nulls of offset old on only or order outer over partition plpgsql preceding primary procedure range recursive references rename replace restrict return returning returns revoke right rollback row rows savepoint schema select set show some start table temp temporary then to top transaction trigger true truncate unbounded union unique update use using values view when where while window with without",
        types: "bigint binary bit blob boolean bytea char character date datetime decimal double enum float int integer json jsonb money nchar number numeric nvarchar real serial bigserial smallint text time timestamp timestamptz tinyint uuid varbinary varchar xml",
        comments: &["--", "#"],
        quotes: &[SINGLE, DOUBLE, RAW_BACKTICK],
        habits: SQL_HABITS,
        ..C_LIKE
    },
    Language {
        names: "json json5 jsonc jsonl ndjson geojson webmanifest",
        keywords: "true false null NaN Infinity",
        comments: &["//"],
        blocks: &[("/*", "*/")],
        quotes: &[DOUBLE, SINGLE],
        ..DATA
    },
    Language {
        names: "yaml yml eyaml compose docker-compose ansible",
        ..DATA
    },
    Language {
        names: "toml ini cfg conf config properties dotenv env editorconfig gitconfig systemd desktop",
        comments: &["#", ";"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        key: b"=",
        ..DATA
    },
    Language {
        names: "css scss sass less stylus postcss",
        keywords: "important from to and not only or if else for each while include mixin extend function return use forward",
        comments: &["//"],
        blocks: &[("/*", "*/")],
        quotes: &[DOUBLE, SINGLE],
        sigils: &[
            (b'@', Keyword),
            (b'.', Function),
            (b'#', Function),
            (b'$', Type),
            (b'!', Keyword),
        ],
        inside: b"-",
        key: b":",
        habits: Habits {
            calls: true,
            spaced_comments: true,
            ..PLAIN_HABITS
        },
        ..C_LIKE
    },
    Language {
        names: "dockerfile docker containerfile",
        keywords: "from as run cmd label maintainer expose env add copy entrypoint volume user workdir arg onbuild stopsignal healthcheck shell",
        habits: Habits {
            fold_case: true,
            spaced_comments: true,
            ..PLAIN_HABITS
        },
        sigils: &[(b'$', Type)],
        inside: b"-",
        ..HASH
    },
    Language {
        names: "makefile make mk cmake just justfile",
        keywords: "define endef ifdef ifndef ifeq ifneq else endif include export override unexport vpath if elseif endif foreach endforeach function endfunction macro endmacro while set option project add_executable add_library target_link_libraries find_package include_directories install message",
        sigils: &[(b'$', Type), (b'.', Keyword)],
        inside: b"-",
        habits: SHELL_HABITS,
        ..HASH
    },
    Language {
        names: "powershell pwsh ps1 ps posh",
        keywords: "begin break catch class continue data do dynamicparam else elseif end enum exit filter finally for foreach from function hidden if in param process return static switch throw trap try until using var while",
        blocks: &[("<#", "#>")],
        quotes: &[LONG_DOUBLE, raw("'", "'")],
        sigils: &[(b'$', Type), (b'-', Keyword)],
        inside: b"-",
        habits: Habits {
            fold_case: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
    Language {
        names: "bat batch cmd dosbatch",
        keywords: "call cd choice cls copy defined del dir do echo else endlocal errorlevel exist exit for goto if in md mkdir move not pause pushd popd rd ren rmdir set setlocal shift start title type xcopy",
        comments: &["rem ", "REM ", "Rem ", "::"],
        quotes: &[DOUBLE],
        sigils: &[(b'%', Type), (b':', Function)],
        habits: Habits {
            fold_case: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
    Language {
        names: "lua luau moonscript",
        keywords: "and break do else elseif end false for function goto if in local nil not or repeat return self then true until while",
        comments: &["--"],
        blocks: &[("--[[", "]]")],
        quotes: &[raw("[[", "]]"), DOUBLE, SINGLE],
        ..C_LIKE
    },
    Language {
        names: "r rscript julia jl matlab octave",
        keywords: "abstract baremodule begin break catch const continue do else elseif end export false finally for function global if import in let local macro module mutable next otherwise primitive quote repeat return struct switch true try type using where while TRUE FALSE NULL NA NaN Inf library require nothing",
        comments: &["#", "%"],
        blocks: &[("#=", "=#")],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, CHARACTER],
        sigils: &[(b'@', Function)],
        inside: b".!",
        ..HASH
    },
    Language {
        names: "perl pl pm raku tcl awk gawk",
        keywords: "and BEGIN begin bless cmp continue defined delete die do each else elsif END end eq eval exit for foreach function ge getline given goto gt if in keys last le length local lt map my ne next no not or our package print printf proc push puts redo ref require return say scalar set shift sort split sprintf sub tr undef unless until use values wantarray when while xor",
        quotes: &[LONG_DOUBLE, LONG_SINGLE],
        sigils: &[(b'$', Type), (b'@', Type), (b'%', Type)],
        habits: Habits {
            spaced_comments: true,
            calls: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
    Language {
        names: "haskell hs elm purescript purs idris agda",
        keywords: "as case class data default deriving do else exposing family forall foreign hiding if import in infix infixl infixr instance let module newtype of port qualified then type where",
        comments: &["--"],
        blocks: &[("{-", "-}")],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, CHARACTER],
        habits: Habits {
            nested: true,
            capital_types: true,
            ..PLAIN_HABITS
        },
        ..C_LIKE
    },
    Language {
        names: "ocaml ml reason sml coq lean lean4",
        keywords: "and as begin class constraint def do done downto else end example exception external false for fun function functor have if in include inductive inherit initializer instance lazy let match method module mutable namespace new nonrec object of open or private rec show sig struct structure then theorem to true try type val variable virtual when where while with by lemma",
        comments: &[],
        blocks: &[("(*", "*)"), ("/-", "-/")],
        quotes: &[DOUBLE, CHARACTER],
        habits: Habits {
            nested: true,
            capital_types: true,
            ..PLAIN_HABITS
        },
        ..C_LIKE
    },
    Language {
        names: "erlang erl prolog",
        keywords: "after and andalso begin case catch cond div else end fun if is let maybe not of or orelse receive rem try when xor",
        comments: &["%"],
        quotes: &[DOUBLE, SINGLE],
        sigils: &[(b'-', Keyword), (b'?', Type)],
        ..HASH
    },
    Language {
        names: "clojure clj cljs edn lisp common-lisp elisp emacs-lisp scheme racket rkt fennel",
        keywords: "and case cond cond-> declare def define defclass defgeneric defmacro defmethod defmulti defn defn- defparameter defprotocol defrecord defstruct deftype defun defvar do doseq dotimes else false fn for if if-let in-ns lambda let let* letrec loop match module nil not ns or progn provide quote recur require set! setf setq t true try unless use when when-let while",
        ..LISP
    },
    Language {
        names: "nix",
        keywords: "assert else if in inherit let or rec then true false null with import",
        quotes: &[raw("''", "''"), LONG_DOUBLE],
        inside: b"-",
        habits: PLAIN_HABITS,
        blocks: &[("/*", "*/")],
        ..HASH
    },
    Language {
        names: "hcl terraform tf nginx nginxconf caddyfile caddy apacheconf apache bicep",
        keywords: "data dynamic else false for if in locals module output provider provisioner resource terraform true variable null server location upstream listen proxy_pass root return rewrite include http events import",
        types: "string number bool list map set object any",
        quotes: &[DOUBLE],
        sigils: &[(b'$', Type), (b'@', Type)],
        inside: b"-",
        blocks: &[("/*", "*/")],
        habits: Habits {
            spaced_comments: true,
            calls: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
    Language {
        names: "graphql gql protobuf proto proto3 thrift prisma",
        keywords: "directive enum extend extends false fragment implements import input interface message mutation null on oneof option optional package query repeated required returns rpc schema scalar service stream subscription syntax true type union model datasource generator",
        types: "ID Int Float String Boolean DateTime Json double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 bool string bytes map",
        comments: &["//", "#"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE],
        sigils: &[(b'@', Function), (b'$', Type)],
        ..C_LIKE
    },
    Language {
        names: "vb vbnet vb-net visual-basic vba basic vbscript",
        keywords: "and andalso as boolean byref byval call case catch class const dim do double each else elseif end enum error event exit false finally for friend function get goto handles if implements imports in inherits integer interface is let like long loop me mod module namespace new next not nothing object of on option optional or orelse overrides private property public raiseevent readonly redim resume return select set shared single static step stop string structure sub then throw to true try until variant wend when while with withevents xor",
        comments: &["'"],
        quotes: &[Quotes::BASIC],
        habits: SQL_HABITS,
        ..HASH
    },
    Language {
        names: "pascal delphi ada fortran f90 f95 fortran90",
        keywords: "allocate and array begin call case class const constructor contains cycle destructor div do downto else elsif end enddo endif exit false file for function goto if implementation implicit in inherited integer interface intent is label loop mod module nil none not object of only or out override package parameter print private procedure program property public range read real record recursive repeat result return select set shl shr string subroutine subtype then to true type unit until use uses var virtual when while with write xor",
        types: "boolean byte char character complex dimension double float integer logical longint natural positive real single string word",
        comments: &["//", "--", "!"],
        blocks: &[("{", "}"), ("(*", "*)")],
        quotes: &[raw("'", "'"), DOUBLE],
        habits: SQL_HABITS,
        ..C_LIKE
    },
    Language {
        names: "asm nasm assembly x86asm armasm mips riscv llvm",
        keywords: "mov add sub mul div imul idiv inc dec push pop call ret jmp je jne jz jnz jg jge jl jle ja jb cmp test and or xor not shl shr lea int syscall nop section global extern db dw dd dq resb ldr str ldp stp bl b beq bne li la lw sw addi beqz ecall define declare",
        types: "rax rbx rcx rdx rsi rdi rbp rsp eax ebx ecx edx esi edi ebp esp ax bx cx dx al bl cl dl r8 r9 r10 r11 r12 r13 r14 r15 x0 x1 x2 x3 sp lr pc zero ra a0 a1 a2 t0 t1 t2",
        comments: &[";", "//"],
        sigils: &[(b'%', Type), (b'.', Keyword)],
        habits: Habits {
            fold_case: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
    Language {
        names: "verilog sv systemverilog vhdl",
        keywords: "always always_comb always_ff and architecture assign begin body case component default downto else elsif end endcase endfunction endgenerate endmodule endtask entity for forever function generate generic if in initial inout input is library loop map module negedge not of or others out output package parameter port posedge process repeat return signal task then to type use variable wait when while with xor",
        types: "bit bit_vector boolean integer logic natural real reg signed std_logic std_logic_vector unsigned wire",
        comments: &["//", "--"],
        quotes: &[DOUBLE, CHARACTER],
        sigils: &[(b'`', Keyword), (b'$', Function)],
        habits: SQL_HABITS,
        ..C_LIKE
    },
    Language {
        names: "latex tex bibtex bib",
        comments: &["%"],
        quotes: &[],
        sigils: &[(b'\\', Keyword), (b'@', Type)],
        habits: PLAIN_HABITS,
        ..HASH
    },
    Language {
        names: "nim coffeescript coffee gdscript gd",
        keywords: "addr and as asm await bind block break case cast class class_name concept const continue converter defer discard distinct div do elif else end enum except export export_var extends false finally for from func if import in include interface is isnot iterator let macro match method mixin mod nil not null object of on onready or out pass preload proc ptr raise ref return self shl shr signal static template then this true try tuple type unless using var void when while xor yield",
        types: "int float string bool char seq array Vector2 Vector3 Node String Array Dictionary",
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        sigils: &[(b'@', Function), (b'$', Type)],
        ..HASH
    },
    Language {
        names: "vim viml vimscript",
        keywords: "augroup autocmd call command echo else elseif endfor endfunction endif endwhile execute finish for function if imap in inoremap let map nmap nnoremap noremap normal return set setlocal silent source syntax unlet vmap vnoremap while",
        comments: &["\" "],
        quotes: &[DOUBLE, raw("'", "'")],
        sigils: &[(b'&', Type)],
        inside: b":#",
        habits: Habits {
            calls: true,
            ..PLAIN_HABITS
        },
        ..HASH
    },
];

struct Quotes;

impl Quotes {
    const BASIC: super::words::Quote = super::words::Quote {
        escapes: false,
        ..DOUBLE
    };
}

#[cfg(test)]
mod tests {
    use super::super::tests::painted;
    use super::*;

    #[test]
    fn names_are_unique_and_can_be_written() {
        let mut seen = std::collections::HashSet::new();
        for name in LANGUAGES
            .iter()
            .flat_map(|language| language.names.split_whitespace())
        {
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(super::super::language_name(name).as_deref(), Some(name));
            assert!(find(name).is_some());
        }
        for name in [
            "js", "ts", "sh", "shell", "csharp", "c++", "py", "rs", "yml", "jsonc", "golang",
        ] {
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
            (
                "json",
                "{\"a\": [1, true, \"b\"]}",
                "{[t:\"a\"]: [[n:1], [k:true], [s:\"b\"]]}",
            ),
            (
                "yaml",
                "a-b: c # d\n- http://x#y",
                "[t:a-b]: c [c:# d]\n- [t:http]://x#y",
            ),
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
            (
                "toml",
                "a = \"b\" # c\n[d]",
                "[t:a] = [s:\"b\"] [c:# c]\n[d]",
            ),
            (
                "lua",
                "--[[ a\n]] local x = [[b]] -- c",
                "[c:--[[ a\n]]] [k:local] x = [s:[[b]]] [c:-- c]",
            ),
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
