//! Puts the parts together: names by content, fills the names into the pages, lists all files for the service worker.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::compile::Parts;
use crate::{
    place::Place,
    stamp::{Digest, files},
};

/// Files of `public` that are filled in or renamed; all others are copied under their own name.
const TEMPLATES: [&str; 6] = ["index.html", "boot.js", "start.js", "stretch.js", "sw.js", "post.js"];

/// How the names of the modules that come later begin.
pub(super) const LATER: &str = "later-";

/// Writes the whole bundle, uncompressed, into `folder`.
///
/// # Errors
/// When a template is missing, or names something that this bundle does not have.
pub(crate) fn assemble(place: &Place, parts: &Parts, css: &str, folder: &Path) -> Result<()> {
    let public = place.root.join("public");
    for file in files(&public)? {
        let name = file.strip_prefix(&public)?;
        let hidden = name.to_string_lossy().split('/').any(|part| part.starts_with('.'));
        if !hidden && !TEMPLATES.iter().any(|template| name == Path::new(template)) {
            write(folder, name, &fs::read(&file)?)?;
        }
    }
    for (name, content) in &parts.snippets {
        write(folder, name, content)?;
    }
    let template = |name: &str| {
        fs::read_to_string(public.join(name)).with_context(|| format!("public/{name} could not be read"))
    };
    let mut names = Names::default();
    names.add(folder, "css", "style", "css", css.as_bytes())?;
    let mut js = parts.js.clone();
    for later in &parts.later {
        let name = format!("{LATER}{}.wasm", Digest::of(&later.wasm).short());
        write(folder, Path::new(&name), &later.wasm)?;
        js = js.replace(&format!("\"./{}\"", later.name), &format!("\"/{name}\""));
    }
    names.add(folder, "js", "zoufang", "js", js.as_bytes())?;
    names.add(folder, "wasm", "zoufang", "wasm", &parts.wasm)?;
    for (key, file) in [("start", "start.js"), ("stretch", "stretch.js"), ("boot", "boot.js")] {
        let text = names.fill(file, &template(file)?)?;
        names.add(folder, key, key, "js", text.as_bytes())?;
    }
    let index = names.fill("index.html", &template("index.html")?)?;
    write(folder, Path::new("index.html"), index.as_bytes())?;
    // One file, so that a version of the worker is one whole.
    let worker = [template("sw.js")?, template("post.js")?].join("\n");
    let worker = service_worker(&worker, folder)?;
    write(folder, Path::new("sw.js"), worker.as_bytes())
}

/// Addresses by the name that stands for them in the templates.
#[derive(Default)]
struct Names(Vec<(&'static str, String)>);

impl Names {
    /// Writes content under a name made from it, and remembers the address.
    fn add(
        &mut self,
        folder: &Path,
        key: &'static str,
        stem: &str,
        kind: &str,
        content: &[u8],
    ) -> Result<()> {
        let name = format!("{stem}-{}.{kind}", Digest::of(content).short());
        write(folder, Path::new(&name), content)?;
        self.0.push((key, format!("/{name}")));
        Ok(())
    }

    /// Replaces each `{{key}}`; one that is not known is an error and not an empty address.
    fn fill(&self, file: &str, template: &str) -> Result<String> {
        let mut text = template.to_owned();
        for (key, address) in &self.0 {
            text = text.replace(&format!("{{{{{key}}}}}"), address);
        }
        if let Some(rest) = text.split("{{").nth(1).and_then(|rest| rest.split("}}").next()) {
            bail!("public/{file} names {{{{{rest}}}}}, which the bundle does not have");
        }
        Ok(text)
    }
}

/// Fills in the addresses of all files and the version, which changes when any file or the worker itself does.
fn service_worker(template: &str, folder: &Path) -> Result<String> {
    let mut digest = Digest::default();
    digest.part("sw.js", template.as_bytes());
    let mut addresses = Vec::new();
    for file in files(folder)? {
        let name = file.strip_prefix(folder)?.to_string_lossy().into_owned();
        digest.part(&name, &fs::read(&file)?);
        addresses.push(format!("'/{name}'"));
    }
    for mark in ["/*@VERSION@*/", "/*@PRECACHE@*/"] {
        if template.matches(mark).count() != 1 {
            bail!("public/sw.js must hold {mark} exactly once");
        }
    }
    Ok(template.replace("/*@VERSION@*/", &digest.short()).replace("/*@PRECACHE@*/", &addresses.join(", ")))
}

fn write(folder: &Path, name: &Path, content: &[u8]) -> Result<()> {
    let path: PathBuf = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, content).with_context(|| format!("{} could not be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_in_a_template_is_an_error() {
        let names = Names(vec![("css", "/style-1.css".into())]);
        assert_eq!(names.fill("index.html", "<{{css}}>").expect("known"), "</style-1.css>");
        assert!(names.fill("index.html", "{{css}} {{gone}}").is_err());
    }

    #[test]
    fn the_version_follows_every_file_and_the_worker() {
        let folder = std::env::temp_dir().join(format!("zoufang-fill-{}", std::process::id()));
        write(&folder, Path::new("icons/a.svg"), b"one").expect("write");
        let template = "const V = '/*@VERSION@*/'; const F = [/*@PRECACHE@*/];";
        let first = service_worker(template, &folder).expect("fill");
        assert!(first.contains("['/icons/a.svg']"), "{first}");
        write(&folder, Path::new("icons/a.svg"), b"two").expect("write");
        let second = service_worker(template, &folder).expect("fill");
        let third = service_worker(&format!("{template} //"), &folder).expect("fill");
        fs::remove_dir_all(&folder).expect("clean");
        assert_ne!(first, second);
        assert_ne!(second.split(';').next(), third.split(';').next());
        assert!(service_worker("nothing to fill", &folder).is_err());
    }
}
