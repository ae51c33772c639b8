//! The renderer from outside: what may come out, what must not get lost, and that a growing answer ends like a whole one.
//!
//! Tests are named by the case they come from. `RENDER_FUZZ=100000 cargo test --release --test render` runs the random ones longer.

mod cases;
mod checker;
mod fuzz;
mod hostile;
mod pieces;

/// The answers of the corpus, by name.
const CORPUS: &[(&str, &str)] = &[
    ("cut", include_str!("corpus/cut.md")),
    ("directions", include_str!("corpus/directions.md")),
    ("list", include_str!("corpus/list.md")),
    ("pendulum", include_str!("corpus/pendulum.md")),
    ("readings", include_str!("corpus/readings.md")),
    ("refs", include_str!("corpus/refs.md")),
    ("zhong", include_str!("corpus/zhong.md")),
];

/// How many random texts to try.
fn rounds(usual: usize) -> usize {
    std::env::var("RENDER_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
