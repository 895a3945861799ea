//! How many publishers signed, where one signer counts once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// How often an assignment is tried. Only certificates that share keys and
/// names crosswise need more than a few tries; whoever makes as many of them as
/// this asks for too few publishers.
const MAX_TRIES: usize = 100_000;

/// Whether so many publishers can be told apart: each is given one of its
/// signers, and no two of these have the same key or the same name. `options`
/// has, for each publisher, the keys and names of the signers that speak for it.
pub(crate) fn are_distinct<T: Eq + Hash>(options: &[Vec<(T, T)>], wanted: usize) -> bool {
    let keys: Vec<Vec<&T>> = options.iter().map(|of| of.iter().map(|(key, _)| key).collect()).collect();
    let names: Vec<Vec<&T>> = options.iter().map(|of| of.iter().map(|(_, name)| name).collect()).collect();
    if most_distinct(&keys).min(most_distinct(&names)) < wanted {
        return false;
    }
    // Where every key has one name and every name one key, that is all.
    is_one_to_one(options.iter().flatten()) || Search::new(options).finds(0, wanted)
}

fn is_one_to_one<'a, T: Eq + Hash + 'a>(signers: impl Iterator<Item = &'a (T, T)>) -> bool {
    let (mut names, mut keys) = (HashMap::new(), HashMap::new());
    signers.into_iter().all(|(key, name)| {
        *names.entry(key).or_insert(name) == name && *keys.entry(name).or_insert(key) == key
    })
}

/// Tries one signer after the other: with two things that may not be shared
/// there is no quick way (it is three-dimensional matching).
struct Search<'a, T> {
    options: Vec<&'a Vec<(T, T)>>,
    keys: HashSet<&'a T>,
    names: HashSet<&'a T>,
    tries: usize,
}

impl<'a, T: Eq + Hash> Search<'a, T> {
    fn new(options: &'a [Vec<(T, T)>]) -> Self {
        let mut options: Vec<_> = options.iter().filter(|of| !of.is_empty()).collect();
        options.sort_by_key(|of| of.len());
        Self { options, keys: HashSet::new(), names: HashSet::new(), tries: MAX_TRIES }
    }

    /// Whether `wanted` of the publishers from `next` on can be told apart.
    fn finds(&mut self, next: usize, wanted: usize) -> bool {
        if wanted == 0 {
            return true;
        }
        if self.options.len().saturating_sub(next) < wanted {
            return false;
        }
        for (key, name) in self.options[next] {
            let Some(left) = self.tries.checked_sub(1) else { return false };
            self.tries = left;
            if self.keys.contains(key) || self.names.contains(name) {
                continue;
            }
            self.keys.insert(key);
            self.names.insert(name);
            let is_found = self.finds(next + 1, wanted - 1);
            self.keys.remove(key);
            self.names.remove(name);
            if is_found {
                return true;
            }
        }
        self.finds(next + 1, wanted)
    }
}

/// The most publishers that can be told apart: each is given one of its
/// options, and none is given twice. `options` has, for each publisher, the
/// signers that speak for it.
pub(crate) fn most_distinct<T: Eq + Hash>(options: &[impl AsRef<[T]>]) -> usize {
    let mut given = HashMap::new();
    (0..options.len())
        .filter(|publisher| give(*publisher, options, &mut given, &mut vec![false; options.len()]))
        .count()
}

/// Finds an option for a publisher, for which others may have to take another
/// of theirs (the augmenting path of bipartite matching).
fn give<'a, T: Eq + Hash>(
    publisher: usize,
    options: &'a [impl AsRef<[T]>],
    given: &mut HashMap<&'a T, usize>,
    asked: &mut [bool],
) -> bool {
    asked[publisher] = true;
    for option in options[publisher].as_ref() {
        let is_free = match given.get(option) {
            None => true,
            Some(holder) if asked[*holder] => false,
            Some(holder) => give(*holder, options, given, asked),
        };
        if is_free {
            given.insert(option, publisher);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{are_distinct, most_distinct};

    #[test]
    fn one_signer_counts_once() {
        assert_eq!(most_distinct::<u8>(&[[]; 0]), 0);
        assert_eq!(most_distinct(&[vec![1], vec![1]]), 1);
        assert_eq!(most_distinct(&[vec![1, 1], vec![]]), 1);
        assert_eq!(most_distinct(&[vec![1], vec![1, 2]]), 2);
        assert_eq!(most_distinct(&[vec![1, 2], vec![1]]), 2);
    }

    #[test]
    fn others_make_room() {
        assert_eq!(most_distinct(&[vec![1, 2], vec![1, 3], vec![1]]), 3);
        assert_eq!(most_distinct(&[vec![1, 2], vec![1, 2], vec![1, 2]]), 2);
    }

    #[test]
    fn signers_that_share_a_key_or_a_name_count_once() {
        let (same_key, same_name) = ([vec![(1, 1)], vec![(1, 2)]], [vec![(1, 1)], vec![(2, 1)]]);
        assert!(!are_distinct(&same_key, 2) && !are_distinct(&same_name, 2));
        assert!(are_distinct(&[vec![(1, 1)], vec![(2, 2)]], 2));
        assert!(!are_distinct(&[vec![(1, 1)], vec![(2, 2)]], 3));
    }

    /// By keys alone there are two, by names alone there are two: but each of
    /// the second publisher's signers is the first publisher's.
    #[test]
    fn a_signer_is_not_another_for_having_a_second_key_and_a_second_name() {
        assert!(!are_distinct(&[vec![(1, 1)], vec![(1, 2), (2, 1)]], 2));
        assert!(are_distinct(&[vec![(1, 1)], vec![(1, 2), (2, 1), (3, 3)]], 2));
    }

    /// Many names on one key, and many keys under one name: the hostile case.
    #[test]
    fn a_search_ends() {
        let cross = |from: u32| (0..64).flat_map(move |i| [(from, i), (i, from)]).collect::<Vec<_>>();
        let options: Vec<_> = (0..64).map(cross).collect();
        are_distinct(&options, 64);
    }

    /// What is meant, in the plainest words there are.
    fn by_trying_everything(options: &[Vec<(u8, u8)>], chosen: &mut Vec<(u8, u8)>) -> usize {
        let Some((first, rest)) = options.split_first() else { return chosen.len() };
        let mut most = by_trying_everything(rest, chosen);
        for (key, name) in first {
            if chosen.iter().all(|(other_key, other_name)| key != other_key && name != other_name) {
                chosen.push((*key, *name));
                most = most.max(by_trying_everything(rest, chosen));
                chosen.pop();
            }
        }
        most
    }

    proptest! {
        #[test]
        fn publishers_are_told_apart_exactly_where_they_can_be(
            options in prop::collection::vec(prop::collection::vec((0..4_u8, 0..4_u8), 0..4), 0..5),
        ) {
            let most = by_trying_everything(&options, &mut vec![]);
            for wanted in 0..6 {
                prop_assert_eq!(are_distinct(&options, wanted), wanted <= most, "{}", wanted);
            }
        }
    }
}
