//! The way in.
mod split;
