//! Where a temple stands: a coarse outline of the coast, drawn from a handful of points of our own, and a mark.
//!
//! The points were set down by hand at about a tenth of a degree from well-known capes, river mouths and towns on
//! the shore; they show a reader where in the land a place lies and are good for nothing else.

use domain::reference::Location;
use maud::{Markup, html};
use std::fmt::Write;

/// Degrees east and north, from the Gulf of Kutch round the south to the mouths of the Ganges.
const COAST: [(f64, f64); 62] = [
    (68.2, 23.7),
    (68.9, 22.3),
    (69.6, 21.6),
    (70.4, 20.9),
    (71.2, 20.8),
    (72.1, 21.3),
    (72.4, 22.2),
    (72.8, 21.3),
    (72.8, 20.2),
    (72.8, 19.0),
    (73.0, 18.1),
    (73.3, 17.0),
    (73.5, 16.0),
    (73.8, 15.4),
    (74.1, 14.8),
    (74.4, 14.2),
    (74.7, 13.3),
    (74.85, 12.8),
    (75.2, 12.1),
    (75.6, 11.6),
    (75.8, 11.2),
    (76.0, 10.5),
    (76.2, 9.95),
    (76.35, 9.4),
    (76.6, 8.9),
    (76.95, 8.4),
    (77.3, 8.1),
    (77.55, 8.08),
    (78.05, 8.35),
    (78.15, 8.8),
    (78.5, 9.1),
    (79.0, 9.25),
    (79.3, 9.2),
    (79.0, 9.6),
    (79.0, 10.1),
    (79.5, 10.3),
    (79.85, 10.3),
    (79.85, 10.8),
    (79.8, 11.4),
    (79.85, 11.95),
    (80.15, 12.5),
    (80.3, 13.1),
    (80.25, 13.6),
    (80.05, 14.3),
    (80.1, 15.0),
    (80.5, 15.8),
    (81.0, 15.8),
    (81.4, 16.3),
    (82.3, 16.6),
    (82.3, 17.0),
    (83.3, 17.7),
    (84.1, 18.3),
    (84.9, 19.2),
    (85.8, 19.8),
    (86.5, 20.2),
    (86.9, 21.0),
    (87.3, 21.6),
    (88.2, 21.7),
    (89.0, 21.7),
    (90.0, 21.9),
    (90.8, 22.4),
    (91.8, 22.3),
];

const LANKA: [(f64, f64); 14] = [
    (79.9, 9.75),
    (80.3, 9.5),
    (80.9, 8.9),
    (81.3, 8.4),
    (81.8, 7.4),
    (81.7, 6.6),
    (81.2, 6.2),
    (80.6, 5.95),
    (80.1, 6.15),
    (79.85, 7.0),
    (79.75, 8.0),
    (79.95, 8.6),
    (80.05, 9.1),
    (79.7, 9.6),
];

/// Towns that help to find the place, each with its side of the mark where its name fits.
const TOWNS: [(&str, f64, f64); 9] = [
    ("Chennai", 80.27, 13.08),
    ("Tanjavur", 79.14, 10.79),
    ("Madurai", 78.12, 9.93),
    ("Mysuru", 76.64, 12.3),
    ("Kochi", 76.27, 9.97),
    ("Hyderabad", 78.48, 17.38),
    ("Mumbai", 72.87, 19.07),
    ("Puri", 85.83, 19.81),
    ("Varanasi", 83.0, 25.3),
];

/// Units of the drawing a degree; a degree of longitude is narrower in the middle of the map.
const DEGREE: f64 = 30.0;
const NARROW: f64 = 0.97;

/// What a map shows, in degrees.
struct Window {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

const SOUTH: Window = Window { west: 73.6, south: 7.2, east: 82.6, north: 16.6 };
const ALL: Window = Window { west: 67.8, south: 5.6, east: 92.0, north: 31.5 };

impl Window {
    fn around(location: Location) -> Self {
        let (east, north) = degrees(location);
        let is_south =
            (SOUTH.west..SOUTH.east).contains(&east) && (SOUTH.south..SOUTH.north).contains(&north);
        if is_south { SOUTH } else { ALL }
    }

    /// Units of the drawing a degree: both windows come out at the same height.
    fn scale(&self) -> f64 {
        DEGREE * (SOUTH.north - SOUTH.south) / (self.north - self.south)
    }

    fn at(&self, (east, north): (f64, f64)) -> (f64, f64) {
        ((east - self.west) * self.scale() * NARROW, (self.north - north) * self.scale())
    }

    fn holds(&self, (east, north): (f64, f64)) -> bool {
        (self.west..self.east).contains(&east) && (self.south..self.north).contains(&north)
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        for (index, point) in points.iter().enumerate() {
            let (x, y) = self.at(*point);
            let pen = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{pen}{x:.1} {y:.1}"); // writing to a string cannot fail
        }
        path
    }
}

fn degrees(location: Location) -> (f64, f64) {
    (f64::from(location.longitude_microdegrees) / 1e6, f64::from(location.latitude_microdegrees) / 1e6)
}

/// The map with a mark at `location`, read aloud as `spoken`.
pub(in super::super) fn outline(location: Location, spoken: &str) -> Markup {
    let window = Window::around(location);
    let (width, height) = window.at((window.east, window.south));
    let (x, y) = window.at(degrees(location));
    // The land is closed far inland, outside of what is shown.
    let inland = [(95.0, 22.3), (95.0, 40.0), (60.0, 40.0), (60.0, 23.7)];
    let land: Vec<(f64, f64)> = COAST.into_iter().chain(inland).collect();
    html! {
        svg.map viewBox=(format!("0 0 {width:.0} {height:.0}")) width=(format!("{width:.0}")) height=(format!("{height:.0}"))
            role="img" aria-label=(spoken) {
            path.land d={ (window.path(&land)) "Z" } {}
            path.land d={ (window.path(&LANKA)) "Z" } {}
            @for (name, east, north) in TOWNS.into_iter().filter(|(_, east, north)| window.holds((*east, *north))) {
                @let (x, y) = window.at((east, north));
                circle.town cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2" {}
                text.town x=(format!("{:.1}", x + 5.0)) y=(format!("{:.1}", y + 4.0)) { (name) }
            }
            circle.here-ring cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="10" {}
            circle.here cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="5" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(east: f64, north: f64) -> Location {
        let micro = |degrees: f64| (degrees * 1e6) as i32;
        Location {
            latitude_microdegrees: micro(north),
            longitude_microdegrees: micro(east),
            precision_metres: 100,
        }
    }

    #[test]
    fn places_of_the_south_are_shown_near_and_others_in_the_whole_land() {
        let tiruvarur = outline(at(79.63, 10.77), "Tiruvarur").into_string();
        assert!(tiruvarur.contains("Tanjavur") && !tiruvarur.contains("Varanasi"));
        let kasi = outline(at(83.01, 25.31), "Kasi").into_string();
        assert!(kasi.contains("Varanasi") && kasi.contains("aria-label=\"Kasi\""));
    }

    #[test]
    fn the_mark_stands_inside_the_map() {
        for (east, north) in [(79.63, 10.77), (83.01, 25.31), (73.7, 16.5)] {
            let location = at(east, north);
            let window = Window::around(location);
            let ((x, y), (width, height)) =
                (window.at(degrees(location)), window.at((window.east, window.south)));
            assert!((0.0..width).contains(&x) && (0.0..height).contains(&y), "{east} {north}: {x} {y}");
        }
    }
}
