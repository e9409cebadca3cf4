use crate::database::*;
use crate::density::*;
use vippl::engine::reference;
use vippl::inference::LogDensity;
#[test]
fn scratch() {
    let Some(folder) = folder() else { return };
    let want = std::env::var("ONLY").unwrap_or_default();
    let tiers: Vec<String> =
        std::env::var("T").unwrap_or_default().split(',').map(str::to_owned).collect();
    let list = json(&folder.join("posteriors.json"));
    for entry in list.as_array().unwrap() {
        let name = entry["posterior"].as_str().unwrap().to_owned();
        let tier = entry["tier"].as_str().unwrap_or_default().to_owned();
        if !(tiers.contains(&tier) || (!want.is_empty() && name.contains(&want))) {
            continue;
        }
        if entry["oracle"].as_bool() != Some(true) {
            continue;
        }
        let posterior = Posterior {
            name: name.clone(),
            model: entry["model"].as_str().unwrap().into(),
            data: entry["data"].as_str().unwrap().into(),
            has_reference: false,
        };
        let folder = folder.clone();
        let start = std::time::Instant::now();
        let result = std::panic::catch_unwind(move || {
            let program = bind_model(&folder, &posterior).program;
            let (density, compiled) = compiled(&program);
            let mut ws = compiled.workspace();
            let (_, points) = points(&folder, &posterior);
            let mut out = Vec::new();
            for point in points.iter().take(3) {
                let (values, jac) = constrained(&program, &posterior.model, &point.parameters);
                let u = match reference::unconstrain(&program, &values) {
                    Ok(u) => u,
                    Err(e) => {
                        return format!("unconstrain {e:?}");
                    }
                };
                let e = reference::evaluate(&program, &u).unwrap();
                let mut g = vec![0.0; u.len()];
                let v = compiled.gradient(&mut ws, &u, &mut g);
                out.push((
                    e.log_density + jac - point.log_density,
                    v - e.log_density - e.log_jacobian,
                    g.iter().any(|x| !x.is_finite()),
                ));
            }
            let _ = density;
            format!("{out:?}")
        });
        match result {
            Ok(s) => println!("OK {tier} {name} {:.1?}: {s}", start.elapsed()),
            Err(e) => println!(
                "FAIL {tier} {name}: {}",
                e.downcast_ref::<String>()
                    .cloned()
                    .unwrap_or_else(|| e.downcast_ref::<&str>().unwrap_or(&"?").to_string())
            ),
        }
    }
}
