//! A request's query, taken apart by name; what nobody took is refused by name.

use assay_model::document::Problem;
use assay_model::ports::Dimension;

use crate::error::ApiError;
use crate::reports::values;

/// Query parameters in the order they came; the first of a repeated one counts.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl Query {
    /// Reads a raw query.
    #[must_use]
    pub fn parse(raw: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(raw.unwrap_or("").as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self {
            pairs,
            problems: Vec::new(),
        }
    }

    /// Takes a parameter out; empty counts as not given.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let found = self.pairs.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.pairs.remove(found);
        self.pairs.retain(|(key, _)| key != name);
        Some(value).filter(|value| !value.is_empty())
    }

    /// Takes a whole number from `min` to `max`.
    pub fn take_number(&mut self, name: &str, default: u64, min: u64, max: u64) -> u64 {
        let Some(text) = self.take(name) else {
            return default;
        };
        match text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => number,
            _ => {
                let detail = format!("{text:?} is not a whole number from {min} to {max}");
                self.refuse(name, detail);
                default
            }
        }
    }

    /// Takes every `filter[dimension]=a,b` of events.
    pub fn take_filters(&mut self) -> Vec<(Dimension, Vec<String>)> {
        let find = |name: &str| Dimension::parse(name).filter(|d| !d.is_time());
        let mut plain = Vec::new();
        for (dimension, values) in self.take_filters_by(find, values::of_events) {
            match dimension.plain(values) {
                Ok(more) => plain.extend(more),
                Err(detail) => self.refuse(&format!("filter[{}]", dimension.as_str()), detail),
            }
        }
        plain
    }

    /// Takes every `filter[dimension]=a,b`; values of a repeated one add up. `read` says what a
    /// value is, or why there can be none like it.
    pub fn take_filters_by<D: Copy + PartialEq>(
        &mut self,
        find: impl Fn(&str) -> Option<D>,
        read: impl Fn(D, &str) -> Result<String, String>,
    ) -> Vec<(D, Vec<String>)> {
        let mut out: Vec<(D, Vec<String>)> = Vec::new();
        let (filters, rest) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(key, _)| key.starts_with("filter[") && key.ends_with(']'));
        self.pairs = rest;
        for (key, value) in filters {
            let name = &key["filter[".len()..key.len() - 1];
            let Some(dimension) = find(name) else {
                self.refuse(&key, format!("{name:?} cannot be filtered by"));
                continue;
            };
            let values = self.read_values(&key, &value, |text| read(dimension, text));
            match out.iter_mut().find(|(known, _)| *known == dimension) {
                Some((_, known)) => known.extend(values),
                None => out.push((dimension, values)),
            }
        }
        out
    }

    /// The values of a list like `a,b`; wrong ones are refused under the parameter's name.
    pub fn read_values(
        &mut self,
        name: &str,
        list: &str,
        read: impl Fn(&str) -> Result<String, String>,
    ) -> Vec<String> {
        let mut values = Vec::new();
        for text in list.split(',') {
            match read(text.trim()) {
                Ok(value) => values.push(value),
                Err(detail) => self.refuse(name, detail),
            }
        }
        values
    }

    /// Notes that a parameter is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.problems.push(Problem::new(name, detail));
    }

    /// Refuses what was wrong and what nobody took.
    ///
    /// # Errors
    /// 422 with every such parameter.
    pub fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in self.pairs {
            let detail = format!("there is no parameter {name:?} here");
            self.problems.push(Problem::new(name, detail));
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid(self.problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_repeated_parameter_counts() {
        let mut query = Query::parse(Some("a=1&b=2&b=3&a=4"));
        assert_eq!(query.take("a").as_deref(), Some("1"));
        assert_eq!(query.take("b").as_deref(), Some("2"));
        assert!(query.finish().is_ok());
    }

    #[test]
    fn parameters_are_taken_by_name_and_the_rest_is_refused() {
        let mut query = Query::parse(Some(
            "limit=900&from=&filter[publisher]=a,b&filter%5Bpublisher%5D=c&filter[hour]=1&colour=1",
        ));
        assert_eq!(query.take("from"), None, "empty is not given");
        assert_eq!(query.take_number("limit", 50, 1, 500), 50);
        let filters = query.take_filters();
        assert_eq!(filters.len(), 1);
        assert_eq!(filters[0].1, ["a", "b", "c"]);
        let error = query.finish().unwrap_err();
        let fields: Vec<_> = error.errors.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["limit", "filter[hour]", "colour"]);
    }
}
