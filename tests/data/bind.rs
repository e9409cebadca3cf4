//! What binding makes of good data.

use super::{case, elements, labels, values};

const RADON: &str = "data house(county: index, y)
mu ~ Normal(0, 1)
a[county] ~ Normal(mu, 1)
y ~ Normal(a[county], 1)";

#[test]
fn string_levels_are_sorted_and_columns_hold_their_positions() {
    let file = ("h.csv", "county,y,other\nB,1\u{2c}x\nA,2,x\nB,3.5,x\n");
    let binding = case(RADON, &[file], &["h.csv"]).bind();
    assert_eq!(elements(&binding, "county"), ["A", "B"]);
    assert_eq!(elements(&binding, "house"), ["1", "2", "3"]);
    assert_eq!(values(&binding, "county"), [1.0, 0.0, 1.0]);
    assert_eq!(values(&binding, "y"), [1.0, 2.0, 3.5]);
}

#[test]
fn number_levels_sort_as_numbers() {
    let binding = case(RADON, &[("h.csv", "county,y\n10,1\n9,2\n9.0,3\n")], &["h.csv"]).bind();
    assert_eq!(elements(&binding, "county"), ["9", "10"]);
    assert_eq!(labels(&binding, "county"), ["10", "9", "9"]);
}

#[test]
fn one_json_file_binds_every_name() {
    let json = r#"{"N": 3, "county": ["B", "A", "B"], "y": [1, 2, 3.5]}"#;
    let binding = case(RADON, &[("d.json", json)], &["d.json"]).bind();
    assert_eq!(labels(&binding, "county"), ["B", "A", "B"]);
    let nested = r#"{"house": {"county": ["B", "A", "B"], "y": [1, 2, 3.5]}}"#;
    let binding = case(RADON, &[("d.json", nested)], &["d.json"]).bind();
    assert_eq!(values(&binding, "y"), [1.0, 2.0, 3.5]);
}

#[test]
fn a_second_table_matches_its_rows_by_label() {
    let program = "data house(county: county, y)
data county(u)
b ~ Normal(0, 1)
y ~ Normal(b * u[county], 1)";
    let files = [
        ("houses.csv", "county,y\nOslo,1\nBergen,2\nOslo,3\n"),
        ("counties.csv", "u,county\n0.5,Oslo\n0.7,Voss\n0.9,Bergen\n"),
    ];
    for arguments in [
        &["house=houses.csv", "county=counties.csv"][..],
        &["houses.csv", "counties.csv"],
        &["counties.csv", "houses.csv"],
    ] {
        let binding = case(program, &files, arguments).bind();
        assert_eq!(elements(&binding, "county"), ["Oslo", "Voss", "Bergen"]);
        assert_eq!(values(&binding, "u"), [0.5, 0.7, 0.9]);
        assert_eq!(labels(&binding, "county"), ["Oslo", "Bergen", "Oslo"]);
    }
}

#[test]
fn an_axis_statement_fixes_levels_that_no_row_has() {
    let program = "axis county = 1..n
data house(county: county, y), n: int
a[county] ~ Normal(0, 1)
y ~ Normal(a[county], 1)";
    let binding = case(program, &[("h.csv", "county,y\n4,1\n2,2\n")], &["h.csv", "n=5"]).bind();
    assert_eq!(elements(&binding, "county"), ["1", "2", "3", "4", "5"]);
    assert_eq!(values(&binding, "county"), [3.0, 1.0]);
}

#[test]
fn an_axis_may_run_between_statistics_of_a_column() {
    let program = "data obs(when: int, y)
axis year = min(when)..max(when)
m[year] ~ Normal(0, 1)
y ~ Normal(m[when], 1)";
    let binding = case(program, &[("o.csv", "when,y\n1992,1\n1990,2\n")], &["o.csv"]).bind();
    assert_eq!(elements(&binding, "year"), ["1990", "1991", "1992"]);
}

#[test]
fn an_axis_list_fixes_the_order_of_labels() {
    let program = "axis rating = [\"low\", \"mid\", \"high\"]
data answer(rating: rating, y)
m[rating] ~ Normal(0, 1)
y ~ Normal(m[rating], 1)";
    let binding = case(program, &[("a.csv", "rating,y\nhigh,1\nlow,2\n")], &["a.csv"]).bind();
    assert_eq!(values(&binding, "rating"), [2.0, 0.0]);
}

const MATRIX: &str = "data y[person, item]: bool
theta[person] ~ Normal(0, 1)
b[item] ~ Normal(0, 1)
y ~ Bernoulli(logit = theta - b)";

#[test]
fn the_header_of_a_matrix_names_its_second_axis() {
    let file = ("m.csv", "person;q1;q2;q3\nAnn;1;0;1\nBob;0;TRUE;false\n");
    for arguments in [&["m.csv"], &["y=m.csv"]] {
        let binding = case(MATRIX, &[file], arguments).bind();
        assert_eq!(elements(&binding, "item"), ["q1", "q2", "q3"]);
        assert_eq!(elements(&binding, "person"), ["Ann", "Bob"]);
        assert_eq!(values(&binding, "y"), [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    }
}

#[test]
fn a_matrix_in_json_is_read_in_row_order() {
    let json = ("d.json", r#"{"y": [[1, 0, 1], [0, 1, 0]]}"#);
    let binding = case(MATRIX, &[json], &["d.json"]).bind();
    assert_eq!(elements(&binding, "item"), ["1", "2", "3"]);
    assert_eq!(values(&binding, "y"), [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn columns_of_a_matrix_are_sorted_to_the_labels_of_their_axis() {
    let program = format!("axis item = [\"q3\", \"q1\"]\n{MATRIX}");
    let file = ("m.csv", "person,q1,q2,q3\nAnn,1,x,0\nBob,0,y,0\n");
    let binding = case(&program, &[file], &["m.csv"]).bind();
    assert_eq!(values(&binding, "y"), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn arrays_over_one_axis_bind_to_one_file_and_a_column_of_its_name_labels_it() {
    let program = "data y[year], x[year]
b ~ Normal(0, 1)
y ~ Normal(b * x, 1)";
    let binding = case(program, &[("s.csv", "year,x,y\n1990,1,2\n1991,3,4\n")], &["s.csv"]).bind();
    assert_eq!(elements(&binding, "year"), ["1990", "1991"]);
    assert_eq!(values(&binding, "x"), [1.0, 3.0]);
}

#[test]
fn a_header_may_have_another_name_than_the_variable() {
    let program = "data iris(\"Sepal.Length\" as sepal)
m ~ Normal(0, 1)
sepal ~ Normal(m, 1)";
    let binding = case(program, &[("i.csv", "\"Sepal.Length\"\n5.1\n")], &["i.csv"]).bind();
    assert_eq!(values(&binding, "sepal"), [5.1]);
}

#[test]
fn the_file_named_in_the_program_is_a_default() {
    let program = "data school(y) from \"a.csv\"
m ~ Normal(0, 1)
y ~ Normal(m, 1)";
    let files = [("a.csv", "y\n1\n"), ("b.csv", "y\n2\n")];
    for (arguments, expected) in [(&[][..], 1.0), (&["b.csv"], 2.0), (&["school=b.csv"], 2.0)] {
        assert_eq!(values(&case(program, &files, arguments).bind(), "y"), [expected]);
    }
    let binding = case(program, &files[1..], &["b.csv"]).bind();
    assert_eq!(values(&binding, "y"), [2.0]);
}

#[test]
fn the_command_line_wins_over_a_json_file() {
    let program = "data school(y), n: int\nm ~ Normal(0, n)\ny ~ Normal(m, 1)";
    let json = ("d.json", r#"{"y": [1, 2], "n": 3}"#);
    let binding = case(program, &[json], &["d.json", "n=4"]).bind();
    assert_eq!(values(&binding, "n"), [4.0]);
}

#[test]
fn definitions_on_data_are_evaluated() {
    let program = "data school(y, x)
c = center(x)
big = x > 2
m ~ Normal(0, 1)
y ~ Normal(m * c, 1)
report big";
    let binding = case(program, &[("s.csv", "x,y\n1,0\n2,0\n6,0\n")], &["s.csv"]).bind();
    assert_eq!(values(&binding, "c"), [-2.0, -1.0, 3.0]);
    assert_eq!(values(&binding, "big"), [0.0, 0.0, 1.0]);
}

#[test]
fn the_report_says_what_was_read() {
    let program = "data house(county: index, y), k: int
a[county] ~ Normal(0, k)
y ~ Normal(a[county], 1)";
    let file = ("h.csv", "county,y,z\nB,1,0\nA,2,0\n");
    let report = case(program, &[file], &["h.csv", "k=3"]).bind().report;
    assert_eq!(
        (report.files[0].rows, &report.files[0].names[..]),
        (Some(2), &["county".to_owned(), "y".to_owned()][..])
    );
    let sizes: Vec<(&str, usize)> = report.axes.iter().map(|a| (a.name.as_str(), a.size)).collect();
    assert!(sizes.contains(&("county", 2)) && sizes.contains(&("house", 2)), "{sizes:?}");
    assert_eq!(report.scalars, [("k".to_owned(), 3.0)]);
}

#[test]
fn an_array_gives_the_levels_of_an_index_column() {
    let program = "data house(county: index, y), u[county]
b ~ Normal(0, 1)
y ~ Normal(b * u[county], 1)";
    let json = r#"{"county": [1, 3], "y": [0, 1], "u": [5, 6, 7]}"#;
    let binding = case(program, &[("d.json", json)], &["d.json"]).bind();
    assert_eq!(elements(&binding, "county"), ["1", "2", "3"]);
    assert_eq!(values(&binding, "county"), [0.0, 2.0]);
    let files = [("h.csv", "county,y\nOslo,0\n"), ("u.csv", "county,u\nVoss,1\nOslo,2\n")];
    let binding = case(program, &files, &["h.csv", "u=u.csv"]).bind();
    assert_eq!(elements(&binding, "county"), ["Voss", "Oslo"]);
    assert_eq!(labels(&binding, "county"), ["Oslo"]);
}

#[test]
fn a_column_that_may_have_missing_cells_and_has_none_is_read() {
    let program = "data obs(y, temp?)
b ~ Normal(0, 1)
y ~ Normal(b * temp, 1)";
    let binding = case(program, &[("o.csv", "y,temp\n1,2\n")], &["o.csv"]).bind();
    assert_eq!(values(&binding, "temp"), [2.0]);
}

#[test]
fn an_empty_array_has_an_empty_axis() {
    let program = "data y[row], X[row, feature], z
b[feature] ~ Normal(0, 1)
m ~ Normal(0, 1)
y ~ Normal(X @ b, 1)
z ~ Normal(m, 1)";
    let json = ("d.json", r#"{"y": [], "X": [], "z": 1}"#);
    let binding = case(program, &[json], &["d.json"]).bind();
    assert!(elements(&binding, "feature").is_empty() && elements(&binding, "row").is_empty());
}
