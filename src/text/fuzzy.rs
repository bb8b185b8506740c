//! Finds a name by some of its letters in their order, as people type them.

/// How well a name answers a query, more being better; `None` where its letters are not all there in that order. An empty query
/// finds every name alike. Case does not matter, nor do spaces in the query.
pub fn rank(query: &str, name: &str) -> Option<i32> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let wanted: Vec<char> = query
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    // Letters that follow each other or begin a word count more; so do early ones. best[j]: with the letter matched at j.
    let mut best: Vec<Option<i32>> = vec![];
    for (at, letter) in wanted.iter().enumerate() {
        let mut next = vec![None; name.len()];
        let mut reached: Option<i32> = None;
        for (j, here) in name.iter().enumerate() {
            let before = if at == 0 {
                Some(-(j as i32).min(8))
            } else {
                let follows = j.checked_sub(1).and_then(|i| best[i]).map(|b| b + 6);
                follows.max(reached)
            };
            if at > 0 && j > 0 {
                reached = reached.max(best[j - 1]);
            }
            if here == letter {
                let begins = j == 0 || !name[j - 1].is_alphanumeric();
                next[j] = before.map(|b| b + 2 + if begins { 5 } else { 0 });
            }
        }
        best = next;
    }
    if wanted.is_empty() {
        return Some(0);
    }
    best.into_iter().flatten().max()
}
