//! What programs mean: definitions evaluated on small data, against values worked out by hand, and
//! log densities against formulas written by hand.

#[path = "semantics/edges.rs"]
mod edges;
#[path = "semantics/factor.rs"]
mod factor;
#[path = "semantics/field.rs"]
mod field;
#[path = "semantics/finite.rs"]
mod finite;
#[path = "semantics/joint.rs"]
mod joint;
#[path = "semantics/made.rs"]
mod made;
#[path = "semantics/missing.rs"]
mod missing;
#[path = "semantics/ode.rs"]
mod ode;
#[path = "semantics/recurrence.rs"]
mod recurrence;
#[path = "semantics/tied.rs"]
mod tied;
#[path = "semantics/witness.rs"]
mod witness;

use vippl::bound::Program;
use vippl::data::{Mode, Tables};
use vippl::diagnostic::render::{RenderOptions, render};
use vippl::session::Document;

const DATA: &str = "\
data row(x, y, g: group, n: int, flag: bool), group(u), X[row, feature], w[feature], c
mu ~ Normal(0, 1)
y ~ Normal(mu, 1)
";

/// Three rows; groups in the order b, a (u = 20, 10); two features.
fn tables() -> Tables {
    let rows = "x,y,g,n,flag\n1,0.5,a,4,1\n2,1.5,b,5,0\n6,2.5,a,6,1\n";
    Tables::default()
        .with_file("row.csv", rows)
        .with_file("group.csv", "group,u\nb,20\na,10\n")
        .with_file("matrix.json", r#"{"X": [[1, 2], [3, 4], [5, 6]], "w": [0.5, -1]}"#)
        .with_scalar("c", 3.0)
}

fn bind(program: &str) -> Program {
    let document = Document::open("program.vi", program);
    let text = |d: &[_]| render(d, &document.sources, &RenderOptions::default());
    assert!(!document.has_errors(), "{}", text(&document.diagnostics));
    let bound = document.bind(&tables(), Mode::Fit);
    let messages = text(&bound.diagnostics);
    bound.value.unwrap_or_else(|| panic!("{messages}")).program
}

/// The value of `v` in `v… = …`.
fn value(definition: &str) -> Vec<f64> {
    let program = bind(&format!("{DATA}{definition}\n"));
    let variable = program.typed.find("v").expect("the test defines v");
    program.values[variable.index()].as_ref().expect("data only").cells().collect()
}

macro_rules! means {
    ($($name:ident: $definition:literal => $expected:expr;)*) => {
        $(#[test]
        fn $name() {
            let expected: Vec<f64> = $expected.to_vec();
            let found = value($definition);
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(
                found.len() == expected.len() && found.iter().zip(&expected).all(close),
                "{}: {found:?} is not {expected:?}",
                $definition
            );
        })*
    };
}

means! {
    a_name_takes_the_axes_of_its_expression: "v = x + c" => [4.0, 5.0, 9.0];
    a_reduction_beside_a_column_reduces_the_whole_column: "v = x - mean(x)" => [-2.0, -1.0, 3.0];
    center_subtracts_the_mean: "v = center(x)" => [-2.0, -1.0, 3.0];
    standardize_divides_by_the_sd: "v = standardize(x) * sd(x)" => [-2.0, -1.0, 3.0];
    a_reduction_gives_one_number: "v = sum(x * y)" => [0.5 + 3.0 + 15.0];
    reductions_nest: "v = sum(x - mean(x) + max(y))" => [7.5];
    contraction_sums_over_the_shared_axis: "v = X @ w" => [-1.5, -2.5, -3.5];
    contraction_of_two_vectors_is_a_number: "v = w @ w" => [1.25];
    contraction_beside_its_own_axis: "v = w * (w @ w)" => [0.625, -1.25];
    contraction_on_the_left: "v = x @ X" => [37.0, 46.0];
    center_of_a_product: "v = center(X @ w)" => [1.0, 0.0, -1.0];
    gather_by_a_column: "v = u[g]" => [10.0, 20.0, 10.0];
    gather_in_an_equation_with_axes: "v[row] = u[g] * x" => [10.0, 40.0, 60.0];
    all_pairs_are_asked_for_on_the_left: "v[row, group] = x * u"
        => [20.0, 10.0, 40.0, 20.0, 120.0, 60.0];
    a_comprehension_binds_its_own_index: "v = x * sum(i in row: x[i])" => [9.0, 18.0, 54.0];
    a_bare_name_follows_the_innermost_index: "v = x * sum(i in row: x)" => [9.0, 18.0, 54.0];
    a_guard_leaves_elements_out: "v = sum(i in row where flag[i]: x[i])" => [7.0];
    group_means: "v[k in group] = mean(i in row where g[i] == k: x[i])" => [2.0, 3.5];
    labels_compare: "v = g == \"a\"" => [1.0, 0.0, 1.0];
    a_label_picks_an_element: "v = u[group = \"b\"]" => [20.0];
    if_chooses_per_element: "v = if flag then x else -x" => [1.0, -2.0, 6.0];
    the_branch_not_taken_is_not_evaluated:
        "v[i in row] = if i > 1 then x[i] - x[i-1] else 0" => [0.0, 1.0, 4.0];
    rows_are_integers: "v[i in row] = i * 10" => [10.0, 20.0, 30.0];
    differences_of_elements_are_integers: "v[i in row] = sum(j in row where j < i: i - j)"
        => [0.0, 1.0, 3.0];
    power_binds_tighter_than_minus: "v = -c^2" => [-9.0];
    powers_nest_to_the_right: "v = 2^c^2" => [512.0];
    negative_exponents: "v = 2^-1" => [0.5];
    negative_bases: "v = (-c)^3" => [-27.0];
    products_before_sums: "v = 1 + 2 * c - 4 / 2" => [5.0];
    not_is_looser_than_comparison: "v = not c == 3" => [0.0];
    and_binds_tighter_than_or: "v = 1 == 1 or 1 == 2 and 1 == 2" => [1.0];
    columns_make_a_matrix: "v[row, t] = columns(one = 1, x, both = x * y)"
        => [1.0, 1.0, 0.5, 1.0, 2.0, 3.0, 1.0, 6.0, 15.0];
    lists_take_the_axis_on_the_left: "v[group] = [1, c]" => [1.0, 3.0];
    anonymous_ranges: "v[k in 1..4] = k^2" => [1.0, 4.0, 9.0, 16.0];
    size_of_an_axis: "v = size(row) + size(group)" => [5.0];
    two_arguments_of_max_are_elementwise: "v = max(x, c)" => [3.0, 3.0, 6.0];
    one_argument_of_max_reduces: "v = max(x)" => [6.0];
    count_counts_what_holds: "v = count(i in row: x[i] > 1)" => [2.0];
    whole_numbers_divide_to_reals: "v = n / 4" => [1.0, 1.25, 1.5];
    functions_are_elementwise: "v = log(exp(x))" => [1.0, 2.0, 6.0];
    constants: "v = cos(pi)" => [-1.0];
}
