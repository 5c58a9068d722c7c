//! The nearest spelling: what somebody meant who typed something else.

/// The candidate nearest to `word`, if one is near enough to be meant.
///
/// Damerau-Levenshtein distance of at most a third of the word's length, at least 1.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", if something is near.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_slip_and_leaves_a_stranger() {
        assert_eq!(
            nearest("fresness", ["freshness", "files"]),
            Some("freshness")
        );
        assert_eq!(nearest("zebra", ["freshness", "files"]), None);
        assert_eq!(nearest("sqll", ["sql"]), Some("sql"));
    }
}
