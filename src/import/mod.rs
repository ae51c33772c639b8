//! The way in.
mod json;
mod split;
mod tree;
