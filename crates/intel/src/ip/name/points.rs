//! Points for hosting against access, by words, country, size and spread.
//!
//! Fitted by `scripts/fit_names.py`; the features here and there must agree.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::shape::Shape;

const TABLE: &str = include_str!("../../../data/network_points.tsv");

/// The fitted table.
pub(crate) struct Points {
    base: i32,
    words: HashMap<&'static str, i32>,
    pieces: Vec<i32>,
    finder: Option<AhoCorasick>,
    /// Structure, `name` and number.
    numbers: HashMap<(&'static str, u64), i32>,
    countries: HashMap<&'static str, i32>,
}

impl Points {
    /// Reads the compiled-in table.
    pub(crate) fn builtin() -> Self {
        let mut new = Self {
            base: 0,
            words: HashMap::new(),
            pieces: Vec::new(),
            finder: None,
            numbers: HashMap::new(),
            countries: HashMap::new(),
        };
        let mut pieces = Vec::new();
        for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
            if let Some((feature, Ok(points))) =
                line.split_once('\t').map(|(f, p)| (f, p.parse::<i32>()))
            {
                new.read(feature, points, &mut pieces);
            }
        }
        let (texts, points): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        new.pieces = points;
        new.finder = AhoCorasick::new(texts).ok();
        new
    }

    fn read(&mut self, feature: &'static str, points: i32, pieces: &mut Vec<(&'static str, i32)>) {
        match feature.split_once(':') {
            None => self.base = points,
            Some(("word", word)) => {
                self.words.insert(word, points);
            }
            Some(("piece", piece)) => pieces.push((piece, points)),
            Some(("country", country)) => {
                self.countries.insert(country, points);
            }
            Some((name, number)) => {
                // `number:4e` is 4 × 50,000 and more.
                let (number, name) = match number.strip_suffix('e') {
                    Some(number) => (number, "number_e"),
                    None => (number, name),
                };
                if let Ok(number) = number.parse() {
                    self.numbers.insert((name, number), points);
                }
            }
        }
    }

    /// The points of one network; `words` are its name's, in lower case.
    pub(crate) fn of(&self, number: u32, words: &[&str], shape: &Shape) -> i32 {
        self.base + self.of_name(words) + self.of_shape(shape) + self.of_number(number)
    }

    fn of_name(&self, words: &[&str]) -> i32 {
        let mut seen: Vec<&str> = words.to_vec();
        seen.sort_unstable();
        seen.dedup();
        let by_word: i32 = seen.iter().filter_map(|w| self.words.get(*w)).sum();
        let glued = words.concat();
        let mut found = 0u128;
        for piece in self
            .finder
            .iter()
            .flat_map(|f| f.find_overlapping_iter(&glued))
        {
            found |= 1 << (piece.pattern().as_usize() & 127);
        }
        let pieces = self.pieces.iter().enumerate();
        let by_piece: i32 = pieces
            .filter(|(i, _)| found >> i & 1 == 1)
            .map(|(_, p)| p)
            .sum();
        by_word + by_piece + self.number("words", words.len().min(6) as u64)
    }

    fn of_shape(&self, shape: &Shape) -> i32 {
        let mut points = self.number("size", bits(shape.addresses))
            + self.number("runs", bits(shape.runs).min(8))
            + self.number("countries", shape.country_count().min(5))
            + self.number("spread", bits(shape.spread()).min(6))
            + self.number("v6", bits(shape.v6_runs).min(5))
            + self.number("v6max", bits(shape.v6_max >> 16).min(17));
        if shape.runs >= 3 {
            points += self.number("scatter", 4 * shape.spread() / shape.runs);
            points += self.number("slash24", 4 * shape.slash24 / shape.runs);
        }
        if shape.addresses > 0 {
            let (country, addresses) = shape.main_country();
            points += self.number("mean", bits(shape.addresses / shape.runs.max(1)));
            points += self.number("main", 4 * addresses / shape.addresses);
            let code = country.as_ref().map_or("", |c| c.as_str());
            points += self.countries.get(code).copied().unwrap_or(0);
        }
        points
    }

    fn of_number(&self, number: u32) -> i32 {
        match number {
            0..0x2_0000 => self.number("number", bits(number.into())),
            _ => self.number("number_e", u64::from(number / 50_000)),
        }
    }

    fn number(&self, name: &'static str, value: u64) -> i32 {
        self.numbers.get(&(name, value)).copied().unwrap_or(0)
    }
}

/// Number of binary digits.
fn bits(number: u64) -> u64 {
    u64::from(64 - number.leading_zeros())
}
