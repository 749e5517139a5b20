//! Measures every network: one pass over its runs.

use super::layers::Layer;
use crate::ip::flat::{NONE, value_at};
use crate::ip::name::Shape;
use crate::ip::tables::PlaceRow;

/// The shapes of all networks, by row.
pub(super) fn of(count: usize, network: &Layer, place: &Layer, rows: &[PlaceRow]) -> Vec<Shape> {
    let mut shapes = vec![Shape::default(); count];
    for (at, &(first, id)) in network.v4.iter().enumerate() {
        let Some(shape) = shapes.get_mut(id as usize).filter(|_| id != NONE) else {
            continue;
        };
        let end = network
            .v4
            .get(at + 1)
            .map_or(1 << 32, |next| u64::from(next.0));
        let country = rows
            .get(value_at(&place.v4, first) as usize)
            .and_then(|p| p.country);
        shape.add_v4(first, end - u64::from(first), country);
    }
    for (at, &(first, id)) in network.v6.iter().enumerate() {
        let Some(shape) = shapes.get_mut(id as usize).filter(|_| id != NONE) else {
            continue;
        };
        let end = network.v6.get(at + 1).map_or(u64::MAX, |next| next.0);
        shape.add_v6(end - first);
    }
    shapes
}
