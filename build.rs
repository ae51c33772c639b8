//! The macro that compiles in `static/` watches the files it knows; a new one must be noticed as well.

fn main() {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=schema.sql");
    println!("cargo::rerun-if-changed=config.toml");
}
