//! `FROM x WHERE …` without SELECT, as DuckDB has it: `SELECT * FROM x WHERE …`.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// A query, or what stands in a pair of brackets.
#[derive(Debug, Default)]
struct Scope {
    /// The first word that is not of a set operation.
    first: Option<Keyword>,
    /// Whether a SELECT of its own was seen.
    selects: bool,
    /// Its FROM without one: the place among the tokens.
    from: Option<usize>,
}

/// Puts `SELECT *` before each FROM that begins a query without SELECT; places stay as they are typed.
/// `FROM x SELECT a` is left for a dialect that knows it: true says that there is one.
pub fn select_all(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let mut scopes = vec![Scope::default()];
    let (mut lacking, mut selected_after) = (Vec::new(), false);
    for (place, token) in tokens.iter().enumerate() {
        let ended = match &token.token {
            Token::LParen => {
                let scope = current(&mut scopes);
                scope.first.get_or_insert(Keyword::NoKeyword);
                scopes.push(Scope::default());
                None
            }
            Token::RParen if scopes.len() > 1 => scopes.pop(),
            Token::SemiColon => scopes.pop().inspect(|_| scopes.push(Scope::default())),
            Token::Word(word) => {
                let scope = current(&mut scopes);
                match word.keyword {
                    Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                        Some(std::mem::take(scope))
                    }
                    Keyword::ALL | Keyword::DISTINCT if scope.first.is_none() => None,
                    Keyword::SELECT => {
                        selected_after |= scope.from.take().is_some();
                        scope.selects = true;
                        scope.first.get_or_insert(Keyword::SELECT);
                        None
                    }
                    keyword => {
                        let first = *scope.first.get_or_insert(keyword);
                        let begins = matches!(first, Keyword::FROM | Keyword::WITH);
                        if keyword == Keyword::FROM && begins && !scope.selects {
                            scope.from.get_or_insert(place);
                        }
                        None
                    }
                }
            }
            Token::Whitespace(_) => None,
            _ => {
                current(&mut scopes).first.get_or_insert(Keyword::NoKeyword);
                None
            }
        };
        lacking.extend(ended.and_then(|scope| scope.from));
    }
    lacking.extend(scopes.iter().filter_map(|scope| scope.from));
    lacking.sort_unstable();
    for place in lacking.into_iter().rev() {
        let span = tokens.get(place).map_or_else(Span::empty, |t| t.span);
        let inserted = [Token::make_keyword("SELECT"), Token::Mul]
            .map(|token| TokenWithSpan::new(token, span));
        tokens.splice(place..place, inserted);
    }
    selected_after
}

fn current(scopes: &mut [Scope]) -> &mut Scope {
    let last = scopes.len() - 1;
    &mut scopes[last]
}
