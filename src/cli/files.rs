//! The file system: inputs read whole, results written beside their place and then renamed.
//!
//! Invariant: what stood at a place stays until what replaces it is complete, and whatever else
//! was in a directory is still there afterwards.

use super::exit::{Exit, Refusal};
use std::cell::Cell;
use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// A file of a saved fit, and how it is written.
pub(super) type Part<'a> = (&'static str, Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>);

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    crate::data::read_file(path)
}

/// Reads an input that a command cannot do without.
pub(super) fn read_input(path: &Path) -> Result<Vec<u8>, Refusal> {
    read(path).map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Refusal::new(Exit::MissingInput, message)
    })
}

/// Reads a text that a command cannot do without.
pub(super) fn read_text(path: &Path) -> Result<String, Refusal> {
    String::from_utf8(read_input(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("`{}` is not UTF-8 text (byte {at})", path.display());
        Refusal::new(Exit::Data, message)
    })
}

/// Reads data files and remembers whether one could not be read.
#[derive(Debug, Default)]
pub(super) struct DataReader {
    failed: Cell<bool>,
}

impl DataReader {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        read(path).inspect_err(|_| self.failed.set(true))
    }

    /// How a command ends that its data stopped.
    pub(super) fn exit(&self) -> Exit {
        if self.failed.get() { Exit::MissingInput } else { Exit::Data }
    }
}

/// The directory of a file, where paths that it names start.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A place for results, known to be free to write to.
#[derive(Clone, Debug)]
pub(super) struct OutputDirectory {
    path: PathBuf,
    parent: PathBuf,
}

impl OutputDirectory {
    /// A directory that does not exist yet, is empty, holds an earlier fit (its `marker` file
    /// says so), or may be written to all the same.
    pub(super) fn claim(
        path: &Path,
        force: bool,
        is_ours: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, Refusal> {
        let refuse = |why: &str| {
            let message = format!("`{}` {why}", path.display());
            Err(Refusal::new(Exit::Usage, message))
        };
        if path.exists() && !path.is_dir() {
            return refuse("exists and is not a directory");
        }
        if path.is_dir() {
            let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !is_empty && !is_ours(path) && !force {
                return refuse(
                    "exists and is not an earlier fit; choose another directory, or add --force",
                );
            }
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            Some(_) | None => PathBuf::from("."),
        };
        if !parent.is_dir() {
            return refuse("cannot be made: the directory it should be in does not exist");
        }
        check_writable(&path, &parent)?;
        Ok(OutputDirectory { path, parent })
    }

    /// Writes all parts to a new directory beside the place, then moves it there. Files of an
    /// older directory that are not among the parts move along.
    pub(super) fn write(&self, parts: &[Part<'_>]) -> io::Result<()> {
        let new = tempfile::Builder::new().prefix(".vippl-").tempdir_in(&self.parent)?;
        for (name, write) in parts {
            let mut file = BufWriter::new(fs::File::create(new.path().join(name))?);
            write(&mut file)?;
            file.flush()?;
        }
        open_to_readers(new.path())?;
        if !self.path.exists() {
            fs::rename(new.path(), &self.path)?;
            let _ = new.keep();
            return Ok(());
        }
        let old = tempfile::Builder::new().prefix(".vippl-old-").tempdir_in(&self.parent)?;
        let old_place = old.path().join("old");
        fs::rename(&self.path, &old_place)?;
        if let Err(error) = fs::rename(new.path(), &self.path) {
            fs::rename(&old_place, &self.path)?;
            return Err(error);
        }
        let _ = new.keep();
        let moved = move_others(&old_place, &self.path, parts);
        if moved.is_err() {
            // Never delete what could not be moved.
            let _ = old.keep();
        }
        moved
    }
}

/// Learns before a long fit, not after it, that a result cannot be written.
fn check_writable(path: &Path, parent: &Path) -> Result<(), Refusal> {
    match tempfile::Builder::new().prefix(".vippl-").tempdir_in(parent) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("`{}` cannot be written: {}", path.display(), error.kind());
            Err(Refusal::new(Exit::Output, message))
        }
    }
}

/// Refuses a file that could not be written beside its place.
pub(super) fn claim_file(path: &Path) -> Result<(), Refusal> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    check_writable(path, parent)
}

/// Gives a directory the mode of any new one: temporary ones are private.
fn open_to_readers(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let probe = path.join(".mode");
        fs::create_dir(&probe)?;
        let mode = fs::metadata(&probe)?.permissions().mode();
        fs::remove_dir(&probe)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn move_others(from: &Path, to: &Path, parts: &[Part<'_>]) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if !parts.iter().any(|(part, _)| name == *part) {
            fs::rename(from.join(&name), to.join(&name))?;
        }
    }
    Ok(())
}

/// The programs that a path names: itself, or all below a folder, in the order of their names.
pub(super) fn programs_in(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    if !path.is_dir() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let unreadable = |error: io::Error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Refusal::new(Exit::MissingInput, message)
    };
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let mut inside: Vec<PathBuf> = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    inside.sort();
    for inner in inside {
        let hidden = inner.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let is_program = inner.extension().is_some_and(|ending| ending == "vi");
        if !hidden && !inner.is_symlink() && (inner.is_dir() || is_program) {
            programs_in(&inner, found)?;
        }
    }
    Ok(())
}

/// Replaces the text of a file that exists, beside its place and then renamed there; it keeps its
/// permissions, and a link to it stays a link.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".vippl-").tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.persist(path)?;
    Ok(())
}

/// A file of its own for a text, gone when it is dropped; its name ends in `ending`.
pub(super) fn scratch(ending: &str, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("vippl-").suffix(ending).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// Writes one file beside its place and renames it there.
pub(super) fn write_file(
    path: &Path,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    let file = tempfile::Builder::new().prefix(".vippl-").tempfile_in(parent)?;
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(path)?;
    Ok(())
}

/// The bytes of memory that are free, where the system says so; without limit elsewhere.
pub(super) fn free_memory() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.map_or(f64::INFINITY, |kib| kib * 1024.0)
}
