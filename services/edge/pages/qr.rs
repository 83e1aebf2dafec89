//! A QR code as one path of SVG: a picture that a page may have without an address and without a
//! script.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// The white edge that readers need, in modules (ISO/IEC 18004 §9.1).
const EDGE: usize = 4;

/// A picture, in modules.
#[derive(Debug, Default)]
pub struct Picture {
    /// Its width and height.
    pub size: usize,
    /// What is black in it; digits and the commands of a path.
    pub path: String,
}

/// The picture of a text; nothing of none, and when it does not fit into one.
pub fn picture(text: &str) -> Option<Picture> {
    if text.is_empty() {
        return None;
    }
    let code = QrCode::new(text).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (row, line) in modules.chunks(width).enumerate() {
        let mut column = 0;
        // What stands side by side is one bar.
        for bar in line.chunk_by(|left, right| left == right) {
            if bar.first() == Some(&Color::Dark) {
                let (x, y, length) = (column + EDGE, row + EDGE, bar.len());
                write!(path, "M{x} {y}h{length}v1h-{length}z").ok()?;
            }
            column += bar.len();
        }
    }
    Some(Picture {
        size: width + 2 * EDGE,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws a path as a browser does.
    fn drawn(picture: &Picture) -> Vec<Vec<bool>> {
        let mut grid = vec![vec![false; picture.size]; picture.size];
        for bar in picture.path.split_terminator('z') {
            let (place, rest) = bar.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let [x, y, length] = [x, y, length].map(|text| text.parse::<usize>().unwrap());
            grid[y][x..x + length].fill(true);
        }
        grid
    }

    #[test]
    fn a_reader_reads_what_was_written() {
        const DOTS: usize = 4;
        let text = "otpauth://totp/Bakery%20%26%20Sons:alice%40example.com?secret=\
             JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bakery%20%26%20Sons";
        let picture = picture(text).unwrap();
        let grid = drawn(&picture);
        let size = picture.size * DOTS;
        let shade = |x: usize, y: usize| if grid[y / DOTS][x / DOTS] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(size, size, shade);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, text);
    }

    #[test]
    fn what_is_too_long_has_no_picture() {
        assert!(picture(&"x".repeat(5000)).is_none() && picture("").is_none());
    }
}
