//! Which rule is the first for an event, without asking each: 200 rules cost what one does.
//!
//! Per dimension the index knows which rules choose nothing there and which name a value;
//! the sets of rules that each dimension lets through are and-ed, and the first bit wins.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use assay_model::document::{Scope, ScopeSubject, Select};
use assay_model::facts::Country;
use assay_model::recall::KeyHasher;
use smallvec::{SmallVec, smallvec};

/// A set of rules by their place; 512 rules need no allocation.
#[derive(Clone, Debug, Default)]
struct Set(SmallVec<[u64; 8]>);

impl Set {
    fn none(rules: usize) -> Self {
        Self(smallvec![0; rules.div_ceil(64)])
    }

    fn add(&mut self, rule: u32) {
        self.0[rule as usize / 64] |= 1 << (rule % 64);
    }

    fn drop(&mut self, rule: u32) {
        self.0[rule as usize / 64] &= !(1 << (rule % 64));
    }

    fn keep(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own &= other;
        }
    }

    fn first(&self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

type Fixed = BuildHasherDefault<KeyHasher>;
type Rules = SmallVec<[u32; 4]>;
type ByValue = HashMap<Box<str>, Rules, Fixed>;

/// Rules that name a value.
#[derive(Debug, Default)]
struct Named {
    include: ByValue,
    exclude: ByValue,
}

impl Named {
    fn read(&mut self, rule: u32, select: &Select) {
        let sides = [
            (&mut self.include, &select.include),
            (&mut self.exclude, &select.exclude),
        ];
        for (by_value, values) in sides {
            for value in values {
                let rules = by_value.entry(value.as_str().into()).or_default();
                // A value may stand twice in one selection.
                if rules.last() != Some(&rule) {
                    rules.push(rule);
                }
            }
        }
    }

    fn let_in(&self, value: Option<&str>, into: &mut Set) {
        rules_of(&self.include, value).for_each(|rule| into.add(rule));
    }

    fn shut_out(&self, value: Option<&str>, from: &mut Set) {
        rules_of(&self.exclude, value).for_each(|rule| from.drop(rule));
    }
}

fn rules_of<'n>(named: &'n ByValue, value: Option<&str>) -> impl Iterator<Item = u32> + 'n {
    let found = value.filter(|_| !named.is_empty());
    let rules = found.and_then(|value| named.get(value));
    rules.into_iter().flatten().copied()
}

/// The scopes of an account's rules, first rule first.
#[derive(Debug, Default)]
pub struct ScopeIndex {
    /// Rules that are for every integration.
    everywhere: Set,
    integrations: HashMap<u32, Rules, Fixed>,
    /// Rules that choose neither offers nor advertisers: these are one selection.
    any_offer: Set,
    offers: Named,
    advertisers: Named,
    any_publisher: Set,
    publishers: Named,
    any_country: Set,
    countries: Named,
}

impl ScopeIndex {
    /// The index of these scopes, each with the one integration it is for.
    pub fn new<'s>(scopes: impl ExactSizeIterator<Item = (Option<u32>, &'s Scope)>) -> Self {
        let none = Set::none(scopes.len());
        let mut index = Self {
            everywhere: none.clone(),
            any_offer: none.clone(),
            any_publisher: none.clone(),
            any_country: none,
            ..Self::default()
        };
        for (rule, (integration, scope)) in (0u32..).zip(scopes) {
            index.read(rule, integration, scope);
        }
        index
    }

    fn read(&mut self, rule: u32, integration: Option<u32>, scope: &Scope) {
        match integration {
            None => self.everywhere.add(rule),
            Some(id) => self.integrations.entry(id).or_default().push(rule),
        }
        if scope.offers.include.is_empty() && scope.advertisers.include.is_empty() {
            self.any_offer.add(rule);
        }
        if scope.publishers.include.is_empty() {
            self.any_publisher.add(rule);
        }
        if scope.countries.include.is_empty() {
            self.any_country.add(rule);
        }
        self.offers.read(rule, &scope.offers);
        self.advertisers.read(rule, &scope.advertisers);
        self.publishers.read(rule, &scope.publishers);
        self.countries.read(rule, &scope.countries);
    }

    /// The place of the first rule whose scope matches.
    pub fn first(&self, integration: u32, subject: &ScopeSubject<'_>) -> Option<usize> {
        let mut matching = self.everywhere.clone();
        let own = self.integrations.get(&integration);
        own.into_iter()
            .flatten()
            .for_each(|rule| matching.add(*rule));
        let mut chosen = self.any_offer.clone();
        self.offers.let_in(subject.offer, &mut chosen);
        self.advertisers.let_in(subject.advertiser, &mut chosen);
        self.offers.shut_out(subject.offer, &mut chosen);
        self.advertisers.shut_out(subject.advertiser, &mut chosen);
        matching.keep(&chosen);
        let country = subject.country.as_ref().map(Country::as_str);
        for (open, named, value) in [
            (&self.any_publisher, &self.publishers, subject.publisher),
            (&self.any_country, &self.countries, country),
        ] {
            let mut chosen = open.clone();
            named.let_in(value, &mut chosen);
            named.shut_out(value, &mut chosen);
            matching.keep(&chosen);
        }
        matching.first()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn select() -> impl Strategy<Value = Select> {
        let some = || proptest::collection::vec("[a-c]", 0..3);
        let often_empty = || prop_oneof![2 => Just(Vec::new()), 1 => some()];
        (often_empty(), often_empty()).prop_map(|(include, exclude)| Select { include, exclude })
    }

    fn countries() -> impl Strategy<Value = Select> {
        let some = || proptest::collection::vec("(DE|FR|US)", 0..2);
        (some(), some()).prop_map(|(include, exclude)| Select { include, exclude })
    }

    fn scope() -> impl Strategy<Value = (Option<u32>, Scope)> {
        let integration = prop_oneof![2 => Just(None), 1 => (1u32..4).prop_map(Some)];
        (integration, select(), select(), select(), countries()).prop_map(
            |(integration, offers, advertisers, publishers, countries)| {
                let scope = Scope {
                    offers,
                    advertisers,
                    publishers,
                    countries,
                };
                (integration, scope)
            },
        )
    }

    proptest! {
        #[test]
        fn the_index_finds_what_asking_each_rule_finds(
            scopes in proptest::collection::vec(scope(), 0..150),
            integration in 1u32..5,
            texts in proptest::collection::vec(proptest::option::of("[a-d]"), 3),
            country in proptest::option::of("(DE|FR|US|GB)"),
        ) {
            let subject = ScopeSubject {
                offer: texts[0].as_deref(),
                advertiser: texts[1].as_deref(),
                publisher: texts[2].as_deref(),
                country: country.as_deref().and_then(Country::parse),
            };
            let asked = scopes.iter().position(|(own, scope)| {
                own.is_none_or(|id| id == integration) && scope.matches(&subject)
            });
            let index = ScopeIndex::new(scopes.iter().map(|(own, scope)| (*own, scope)));
            prop_assert_eq!(index.first(integration, &subject), asked);
        }
    }
}
