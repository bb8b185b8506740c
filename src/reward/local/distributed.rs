//! Checkpoints of `torch.distributed`: `.metadata`, a pickle, says which tensors there are and where their pieces lie; each piece is a small
//! file of its own, as `torch.save` writes it, within a larger one.

use std::collections::BTreeMap;

use super::checkpoint::{self, Section};
use super::pickle::{Id, Pickle, Value};
use super::source::Source;
use super::weights::Tensor;

/// A piece of a tensor: where it begins in each dimension, and where it lies.
struct Piece {
    offsets: Vec<usize>,
    section: Section,
}

/// The tensors of a checkpoint whose names are `wanted`. `file` finds the files that the metadata names, in `source`.
pub(super) fn tensors(
    source: &Source,
    metadata: &[u8],
    file: &dyn Fn(&str) -> Option<Section>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, Tensor>, String> {
    let (pickle, _) = Pickle::read(metadata)?;
    let stored = field(&pickle, pickle.top, "storage_data").and_then(|id| pickle.entries(id));
    let stored = stored.ok_or("it does not say where its pieces lie")?;
    let mut pieces: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    for (index, info) in stored {
        let name = field(&pickle, *index, "fqn").and_then(|id| pickle.text(id));
        let Some(name) = name.filter(|name| wanted(name)) else {
            continue;
        };
        let piece = piece(&pickle, *index, *info, file);
        let piece =
            piece.ok_or_else(|| format!("tensor `{name}`: a piece of it is not in the file"))?;
        pieces.entry(name.to_owned()).or_default().push(piece);
    }
    let about = field(&pickle, pickle.top, "state_dict_metadata").and_then(|id| pickle.entries(id));
    let mut found = BTreeMap::new();
    for (key, value) in about.ok_or("it does not say which tensors there are")? {
        let Some((name, pieces)) = pickle.text(*key).and_then(|name| pieces.remove_entry(name))
        else {
            continue;
        };
        let Some(shape) = field(&pickle, *value, "size").and_then(|id| size(&pickle, id)) else {
            continue; // no tensor
        };
        let bad = |reason: String| format!("tensor `{name}`: {reason}");
        let read = pieces.into_iter().map(|piece| {
            let tensor = checkpoint::one(source, piece.section)?;
            let fits = piece.offsets.len() == shape.len() && tensor.shape.len() == shape.len();
            fits.then_some((piece.offsets, tensor))
                .ok_or("a piece of another shape".to_owned())
        });
        let read: Vec<_> = read.collect::<Result<_, String>>().map_err(bad)?;
        let whole = assembled(read, 0).filter(|whole| whole.shape == shape);
        let whole = whole.ok_or_else(|| bad("its pieces do not make the whole".to_owned()))?;
        found.insert(name, whole);
    }
    Ok(found)
}

/// A field of an object, or an entry of a dictionary.
fn field(pickle: &Pickle, of: Id, name: &str) -> Option<Id> {
    let state = match pickle.get(of) {
        Value::Made { state, .. } => (*state)?,
        _ => of,
    };
    let entries = pickle.entries(state)?.iter();
    let mut named = entries.filter(|(key, _)| pickle.text(*key) == Some(name));
    named.next_back().map(|(_, value)| *value)
}

/// The numbers of a `torch.Size`.
fn size(pickle: &Pickle, id: Id) -> Option<Vec<usize>> {
    match pickle.made(id) {
        Some(("torch", "Size", [sizes])) => pickle.sizes(*sizes),
        _ => pickle.sizes(id),
    }
}

fn piece(
    pickle: &Pickle,
    index: Id,
    info: Id,
    file: &dyn Fn(&str) -> Option<Section>,
) -> Option<Piece> {
    let whole = file(pickle.text(field(pickle, info, "relative_path")?)?)?;
    let number = |name| u64::try_from(pickle.number(field(pickle, info, name)?)?).ok();
    let (offset, bytes) = (number("offset")?, number("length")?);
    offset
        .checked_add(bytes)
        .filter(|end| *end <= whole.bytes)?;
    Some(Piece {
        offsets: size(pickle, field(pickle, index, "offset")?)?,
        section: Section {
            offset: whole.offset + offset,
            bytes,
        },
    })
}

/// Pieces put together from dimension `dimension` on; `None` where they leave gaps or overlap.
fn assembled(mut pieces: Vec<(Vec<usize>, Tensor)>, dimension: usize) -> Option<Tensor> {
    if dimension == pieces.first()?.0.len() {
        return (pieces.len() == 1).then(|| pieces.swap_remove(0).1);
    }
    let mut groups: BTreeMap<usize, Vec<(Vec<usize>, Tensor)>> = BTreeMap::new();
    for piece in pieces {
        groups.entry(piece.0[dimension]).or_default().push(piece);
    }
    let mut parts: Vec<Tensor> = vec![];
    let mut reached = 0;
    for (offset, group) in groups {
        let part = assembled(group, dimension + 1)?;
        if offset != reached {
            return None;
        }
        reached = reached.checked_add(part.shape[dimension])?;
        parts.push(part);
    }
    Tensor::joined(&parts, dimension)
}
