//! `martlet schema`: JSON Schema for editors, generated from the types.

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Exit, Result, did_you_mean};
use crate::spec::schema::{files, to_text};
use crate::store::atomic;

use super::args::{Global, SchemaArgs};
use super::printer::Printer;

pub fn schema(global: &Global, args: &SchemaArgs, printer: &Printer) -> Result<Exit> {
    if let Some(name) = &args.name {
        let stem = name.trim_end_matches(".json");
        let all = files();
        let Some((_, schema)) = all
            .iter()
            .find(|(file, _)| file.trim_end_matches(".json") == stem)
        else {
            let names = all.iter().map(|(file, _)| file.trim_end_matches(".json"));
            return Err(
                Diagnostic::error(Code::Usage, format!("there is no schema `{name}`"))
                    .hint(
                        did_you_mean(stem, names).unwrap_or_else(|| {
                            "there are pipeline, warehouse and tests".to_owned()
                        }),
                    )
                    .into(),
            );
        };
        printer.out(&to_text(schema));
        return Ok(Exit::Done);
    }
    let mut found = Diagnostics::default();
    for (file, schema) in files() {
        let path = global.project.join("config/schema").join(file);
        let text = to_text(&schema);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if args.check {
            found.push(
                Diagnostic::error(Code::StaleSchema, "the schema for editors is out of date")
                    .at(DataPlace::file(format!("config/schema/{file}")))
                    .hint("run `martlet schema`"),
            );
        } else {
            atomic::write(&path, text.as_bytes())?;
            printer.say("Wrote", &format!("config/schema/{file}"));
        }
    }
    if found.has_errors() {
        Err(found)
    } else {
        Ok(Exit::Done)
    }
}
