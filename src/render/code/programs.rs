//! The programming languages that have colours, the most common ones of a conversation first.

use super::Class::{Function, Keyword, Type};
use super::families::{
    BACKTICK, BASIC, C_LIKE, CHARACTER, DOUBLE, FOLDED_HABITS, HASH, LISP, LONG_DOUBLE, LONG_SINGLE,
    PLAIN_HABITS, RAW_BACKTICK, SINGLE, TRIPLE_DOUBLE, TRIPLE_SINGLE, raw,
};
use super::words::{Habits, Language};

/// See `languages`.
pub(super) const ALL: &[Language] = &[
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
        names: "rust rs",
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self static struct super trait true type unsafe use where while macro_rules",
        types: "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize Self",
        quotes: &[raw("r#\"", "\"#"), raw("r\"", "\""), LONG_DOUBLE, CHARACTER],
        sigils: &[(b'\'', Type)],
        habits: Habits { nested: true, ..C_LIKE.habits },
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
        habits: Habits { nested: true, ..C_LIKE.habits },
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
        habits: Habits { spaced_comments: true, ..HASH.habits },
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
        habits: Habits { spaced_comments: true, calls: true, ..PLAIN_HABITS },
        ..HASH
    },
    Language {
        names: "haskell hs elm purescript purs idris agda",
        keywords: "as case class data default deriving do else exposing family forall foreign hiding if import in infix infixl infixr instance let module newtype of port qualified then type where",
        comments: &["--"],
        blocks: &[("{-", "-}")],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, CHARACTER],
        habits: Habits { nested: true, capital_types: true, ..PLAIN_HABITS },
        ..C_LIKE
    },
    Language {
        names: "ocaml ml reason sml coq lean lean4",
        keywords: "and as begin class constraint def do done downto else end example exception external false for fun function functor have if in include inductive inherit initializer instance lazy let match method module mutable namespace new nonrec object of open or private rec show sig struct structure then theorem to true try type val variable virtual when where while with by lemma",
        comments: &[],
        blocks: &[("(*", "*)"), ("/-", "-/")],
        quotes: &[DOUBLE, CHARACTER],
        habits: Habits { nested: true, capital_types: true, ..PLAIN_HABITS },
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
        names: "vb vbnet vb-net visual-basic vba basic vbscript",
        keywords: "and andalso as boolean byref byval call case catch class const dim do double each else elseif end enum error event exit false finally for friend function get goto handles if implements imports in inherits integer interface is let like long loop me mod module namespace new next not nothing object of on option optional or orelse overrides private property public raiseevent readonly redim resume return select set shared single static step stop string structure sub then throw to true try until variant wend when while with withevents xor",
        comments: &["'"],
        quotes: &[BASIC],
        habits: FOLDED_HABITS,
        ..HASH
    },
    Language {
        names: "pascal delphi ada fortran f90 f95 fortran90",
        keywords: "allocate and array begin call case class const constructor contains cycle destructor div do downto else elsif end enddo endif exit false file for function goto if implementation implicit in inherited integer interface intent is label loop mod module nil none not object of only or out override package parameter print private procedure program property public range read real record recursive repeat result return select set shl shr string subroutine subtype then to true type unit until use uses var virtual when while with write xor",
        types: "boolean byte char character complex dimension double float integer logical longint natural positive real single string word",
        comments: &["//", "--", "!"],
        blocks: &[("{", "}"), ("(*", "*)")],
        quotes: &[raw("'", "'"), DOUBLE],
        habits: FOLDED_HABITS,
        ..C_LIKE
    },
    Language {
        names: "asm nasm assembly x86asm armasm mips riscv llvm",
        keywords: "mov add sub mul div imul idiv inc dec push pop call ret jmp je jne jz jnz jg jge jl jle ja jb cmp test and or xor not shl shr lea int syscall nop section global extern db dw dd dq resb ldr str ldp stp bl b beq bne li la lw sw addi beqz ecall define declare",
        types: "rax rbx rcx rdx rsi rdi rbp rsp eax ebx ecx edx esi edi ebp esp ax bx cx dx al bl cl dl r8 r9 r10 r11 r12 r13 r14 r15 x0 x1 x2 x3 sp lr pc zero ra a0 a1 a2 t0 t1 t2",
        comments: &[";", "//"],
        sigils: &[(b'%', Type), (b'.', Keyword)],
        habits: Habits { fold_case: true, ..PLAIN_HABITS },
        ..HASH
    },
    Language {
        names: "verilog sv systemverilog vhdl",
        keywords: "always always_comb always_ff and architecture assign begin body case component default downto else elsif end endcase endfunction endgenerate endmodule endtask entity for forever function generate generic if in initial inout input is library loop map module negedge not of or others out output package parameter port posedge process repeat return signal task then to type use variable wait when while with xor",
        types: "bit bit_vector boolean integer logic natural real reg signed std_logic std_logic_vector unsigned wire",
        comments: &["//", "--"],
        quotes: &[DOUBLE, CHARACTER],
        sigils: &[(b'`', Keyword), (b'$', Function)],
        habits: FOLDED_HABITS,
        ..C_LIKE
    },
    Language {
        names: "nim coffeescript coffee gdscript gd",
        keywords: "addr and as asm await bind block break case cast class class_name concept const continue converter defer discard distinct div do elif else end enum except export export_var extends false finally for from func if import in include interface is isnot iterator let macro match method mixin mod nil not null object of on onready or out pass preload proc ptr raise ref return self shl shr signal static template then this true try tuple type unless using var void when while xor yield",
        types: "int float string bool char seq array Vector2 Vector3 Node String Array Dictionary",
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        sigils: &[(b'@', Function), (b'$', Type)],
        ..HASH
    },
];
