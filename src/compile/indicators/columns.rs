//! Whether the tables of indicators have the columns that they are counted by, before any SQL is made.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::context::SessionContext;

use crate::compile::checks::Schemas;
use crate::compile::{TableName, lineage, sources};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::Sp;

use super::{Entry, Part};

/// Reports columns that the tables do not have, or have as something else, and conditions that do
/// not plan. A table that is at fault itself is passed over. Returns whether all hold.
pub fn check(
    entries: &[Entry<'_>],
    context: &SessionContext,
    schemas: &Schemas,
    identifiable: &lineage::Identifiable,
    found: &mut Diagnostics,
) -> bool {
    let mut faults = Diagnostics::default();
    let mut whole = true;
    for entry in entries {
        let mut sound = true;
        for part in entry.parts() {
            let table = TableName::parse(part.table);
            let Some((table, schema)) = table
                .and_then(|t| Some((schemas.get(&t)?, t)))
                .map(|(s, t)| (t, s))
            else {
                whole = false;
                continue;
            };
            let mut columns = Columns {
                table: &table,
                schema,
                context,
                text: &entry.file.source,
                found: Diagnostics::default(),
            };
            // What is wrong by the first table is said once, and of that one.
            if sound {
                columns.counted_by(entry);
                sound = !columns.found.has_errors();
            }
            if part.further {
                let hint = format!("`further` is counted alike: let {table} have the same columns");
                let faults = std::mem::take(&mut columns.found).into_iter();
                columns.found = faults.map(|fault| fault.hint(hint.clone())).collect();
            }
            columns.of_part(&part, identifiable);
            faults.extend(columns.found);
        }
    }
    whole &= !faults.has_errors();
    found.extend(faults);
    whole
}

struct Columns<'a> {
    table: &'a TableName,
    schema: &'a SchemaRef,
    context: &'a SessionContext,
    text: &'a Arc<SourceText>,
    found: Diagnostics,
}

impl Columns<'_> {
    /// What the rows of all tables of an entry are counted by.
    fn counted_by(&mut self, entry: &Entry<'_>) {
        let spec = entry.spec;
        for count in [&spec.numerator, &spec.denominator] {
            self.all(&count.column, "a column of counts", |kind| {
                matches!(kind, DataType::Int64 | DataType::Decimal128(..))
            });
        }
        self.one(&spec.month.column, "a date", |kind| {
            *kind == DataType::Date32
        });
        self.all(&spec.edition, "a whole number", |kind| {
            *kind == DataType::Int64
        });
        self.conditions(entry.conditions());
    }

    /// Whose the rows of one table are, and what they are broken down by.
    fn of_part(&mut self, part: &Part<'_>, identifiable: &lineage::Identifiable) {
        for organisation in part.organisations {
            self.one(&organisation.column, "text", |kind| *kind == DataType::Utf8);
        }
        let identifiable = identifiable.get(self.table);
        for breakdown in part.breakdowns {
            self.one(breakdown, "text, a whole number or true or false", |kind| {
                matches!(kind, DataType::Utf8 | DataType::Int64 | DataType::Boolean)
            });
            if identifiable.is_some_and(|c| c.contains(breakdown.as_str())) {
                self.found.push(
                    Diagnostic::error(
                        Code::Contract,
                        format!("`{}` carries values that name a person", **breakdown),
                    )
                    .at((self.text, breakdown.span()))
                    .label("must not be published")
                    .hint("break it down by something that many share"),
                );
            }
        }
        self.conditions(part.conditions());
    }

    fn conditions<'s>(&mut self, conditions: impl Iterator<Item = &'s Sp<String>>) {
        let (context, schema, text) = (self.context, self.schema, self.text);
        for condition in conditions {
            sources::expression(context, condition, schema, text, &mut self.found);
        }
    }

    fn all(&mut self, column: &Option<Sp<String>>, what: &str, fits: impl Fn(&DataType) -> bool) {
        if let Some(column) = column {
            self.one(column, what, fits);
        }
    }

    fn one(&mut self, column: &Sp<String>, what: &str, fits: impl Fn(&DataType) -> bool) {
        let table = self.table;
        match self.schema.field_with_name(column) {
            Err(_) => {
                let columns = self.schema.fields().iter().map(|f| f.name().as_str());
                self.found.push(
                    Diagnostic::error(
                        Code::UnknownName,
                        format!("{table} has no column `{}`", **column),
                    )
                    .at((self.text, column.span()))
                    .maybe_hint(did_you_mean(column, columns.clone()).or_else(|| {
                        Some(format!("it has {}", columns.collect::<Vec<_>>().join(", ")))
                    })),
                );
            }
            Ok(field) if !fits(field.data_type()) => {
                let boolean = *field.data_type() == DataType::Boolean;
                self.found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{}` of {table} is not {what}", **column),
                    )
                    .at((self.text, column.span()))
                    .maybe_hint(
                        boolean.then(|| {
                            format!("count the rows where it is true: `where: {}`", **column)
                        }),
                    ),
                );
            }
            Ok(_) => {}
        }
    }
}
