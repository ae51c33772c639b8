//! The languages of shells, queries, data, styles and builds that have colours.

use super::Class::{Function, Keyword, Type};
use super::families::{
    C_LIKE, DATA, DOUBLE, FOLDED_HABITS, HASH, LONG_DOUBLE, PLAIN_HABITS, RAW_BACKTICK, SHELL_HABITS, SINGLE,
    TRIPLE_DOUBLE, TRIPLE_SINGLE, raw,
};
use super::words::{Habits, Language};

/// See `languages`.
pub(super) const ALL: &[Language] = &[
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
        names: "sql mysql postgresql postgres psql sqlite plsql pgsql tsql t-sql mssql mariadb oracle bigquery snowflake hql cql",
        keywords: "add all alter analyze and any as asc autoincrement auto_increment begin between by cascade case check column commit conflict constraint create cross current database declare default delete desc distinct do drop else elsif end escape except exec execute exists explain false fetch filter first following for foreign from full function generated grant group grouping having if ignore in index inner insert instead intersect interval into is isolation join key language last lateral left like limit loop materialized merge natural new no not nothing null nulls of offset old on only or order outer over partition plpgsql preceding primary procedure range recursive references rename replace restrict return returning returns revoke right rollback row rows savepoint schema select set show some start table temp temporary then to top transaction trigger true truncate unbounded union unique update use using values view when where while window with without",
        types: "bigint binary bit blob boolean bytea char character date datetime decimal double enum float int integer json jsonb money nchar number numeric nvarchar real serial bigserial smallint text time timestamp timestamptz tinyint uuid varbinary varchar xml",
        comments: &["--", "#"],
        quotes: &[SINGLE, DOUBLE, RAW_BACKTICK],
        habits: FOLDED_HABITS,
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
    Language { names: "yaml yml eyaml compose docker-compose ansible", ..DATA },
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
        sigils: &[(b'@', Keyword), (b'.', Function), (b'#', Function), (b'$', Type), (b'!', Keyword)],
        inside: b"-",
        key: b":",
        habits: Habits { calls: true, spaced_comments: true, ..PLAIN_HABITS },
        ..C_LIKE
    },
    Language {
        names: "dockerfile docker containerfile",
        keywords: "from as run cmd label maintainer expose env add copy entrypoint volume user workdir arg onbuild stopsignal healthcheck shell",
        habits: Habits { fold_case: true, spaced_comments: true, ..PLAIN_HABITS },
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
        habits: Habits { fold_case: true, ..PLAIN_HABITS },
        ..HASH
    },
    Language {
        names: "bat batch cmd dosbatch",
        keywords: "call cd choice cls copy defined del dir do echo else endlocal errorlevel exist exit for goto if in md mkdir move not pause pushd popd rd ren rmdir set setlocal shift start title type xcopy",
        comments: &["rem ", "REM ", "Rem ", "::"],
        quotes: &[DOUBLE],
        sigils: &[(b'%', Type), (b':', Function)],
        habits: Habits { fold_case: true, ..PLAIN_HABITS },
        ..HASH
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
        habits: Habits { spaced_comments: true, calls: true, ..PLAIN_HABITS },
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
        names: "latex tex bibtex bib",
        comments: &["%"],
        quotes: &[],
        sigils: &[(b'\\', Keyword), (b'@', Type)],
        habits: PLAIN_HABITS,
        ..HASH
    },
    Language {
        names: "vim viml vimscript",
        keywords: "augroup autocmd call command echo else elseif endfor endfunction endif endwhile execute finish for function if imap in inoremap let map nmap nnoremap noremap normal return set setlocal silent source syntax unlet vmap vnoremap while",
        comments: &["\" "],
        quotes: &[DOUBLE, raw("'", "'")],
        sigils: &[(b'&', Type)],
        inside: b":#",
        habits: Habits { calls: true, ..PLAIN_HABITS },
        ..HASH
    },
];
