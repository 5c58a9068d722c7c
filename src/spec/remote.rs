//! Places that are not on this machine: which settings may name one, and what it takes to reach it.

use std::sync::Arc;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Place, SourceText};

use super::location::Unreadable;
use super::stores;
use super::{Entries, Location, Sp, StoreKind, StoreName, StoreOptions, StoreUrl, Warehouse};

/// The URL that a setting names, if it is one.
pub(super) fn url(value: &Option<Sp<String>>) -> Option<StoreUrl> {
    match Location::parse(value.as_ref()?) {
        Ok(Location::Store(url)) => Some(url),
        _ => None,
    }
}

/// What is said about a store.
pub(super) fn options_of<'a>(
    stores: &'a Entries<StoreOptions>,
    store: &StoreName,
) -> Option<&'a StoreOptions> {
    let named = |name: &str| matches!(Location::parse(name), Ok(Location::Store(url)) if url.store == *store);
    stores
        .iter()
        .find(|(name, _)| named(name))
        .map(|(_, options)| options)
}

/// What is wrong with a location. One that holds a secret is not shown.
pub(super) fn unreadable(
    text: &Arc<SourceText>,
    span: std::ops::Range<usize>,
    what: &str,
    why: &Unreadable,
) -> Diagnostic {
    let (line, _) = text.line_and_column(span.start);
    let place: Place = if why.secret {
        DataPlace::file(text.path.as_str()).line(line).into()
    } else {
        (text, span).into()
    };
    let code = if why.secret {
        Code::Secret
    } else {
        Code::WrongValue
    };
    Diagnostic::error(code, format!("{what}: {}", why.message))
        .at(place)
        .hint(why.hint.clone())
}

/// Reports places of one layer that cannot be read, and its options that make no sense.
pub(super) fn check_layer(source: &Arc<SourceText>, layer: &Warehouse, found: &mut Diagnostics) {
    for (what, value) in locations(layer) {
        if let Err(why) = check_location(what, value) {
            found.push(unreadable(source, value.span(), what, &why));
        }
    }
    stores::check(source, &layer.stores, found);
}

/// The same for flags, which have no place.
pub(super) fn check_flags(flags: &Warehouse, found: &mut Diagnostics) {
    for (what, value) in locations(flags) {
        if let Err(why) = check_location(what, value) {
            found.push(
                Diagnostic::error(Code::Usage, format!("--{what}: {}", why.message)).hint(why.hint),
            );
        }
    }
}

/// Reports what the layers together lack, at the topmost one that names the place.
pub(super) fn check(
    layers: &[(Option<&Arc<SourceText>>, &Warehouse)],
    all: &Warehouse,
    found: &mut Diagnostics,
) {
    let mut say = |message: String, hint: String, of: fn(&Warehouse) -> &Option<Sp<String>>| {
        let mut finding = Diagnostic::error(Code::WrongValue, message).hint(hint);
        let named = layers
            .iter()
            .find_map(|(text, layer)| Some((*text, of(layer).as_ref()?.span())));
        if let Some((Some(text), span)) = named {
            finding = finding.at((text, span));
        }
        found.push(finding);
    };
    let (inbox, published) = (url(&all.inbox), url(&all.published));
    let missing = |url: &StoreUrl| stores::missing(&url.store, options_of(&all.stores, &url.store));
    if let Some((message, hint)) = inbox.as_ref().and_then(missing) {
        say(message, hint, |w| &w.inbox);
    }
    if let Some((message, hint)) = published.as_ref().and_then(missing) {
        say(message, hint, |w| &w.published);
    }
    if let (Some(inbox), Some(published)) = (inbox, published)
        && inbox.overlaps(&published)
    {
        say(
            "inbox and published lie within each other".to_owned(),
            "readers must not see the inbox: give each its own prefix".to_owned(),
            |w| &w.published,
        );
    }
}

/// What a lake, an inbox or a readers' place must not be, whoever says so.
fn check_location(what: &str, text: &str) -> std::result::Result<(), Unreadable> {
    let refused = |message: &str, hint: &str| {
        Err(Unreadable {
            message: message.to_owned(),
            hint: hint.to_owned(),
            secret: false,
        })
    };
    match (what, Location::parse(text)?) {
        (_, Location::Folder(_)) => Ok(()),
        ("lake", _) => refused(
            "the lake is a folder of this machine",
            "inbox and published may be URLs; the lake holds what a night works on",
        ),
        (_, Location::Store(url)) if url.store.kind == StoreKind::Http => refused(
            "a web server cannot be listed or written to",
            "a source may have its own: `files: { root: https://host/folder, path: file.csv }`",
        ),
        (_, Location::Store(_)) => Ok(()),
    }
}

fn locations(layer: &Warehouse) -> impl Iterator<Item = (&'static str, &Sp<String>)> {
    [
        ("inbox", &layer.inbox),
        ("lake", &layer.lake),
        ("published", &layer.published),
    ]
    .into_iter()
    .filter_map(|(what, value)| Some((what, value.as_ref()?)))
}
