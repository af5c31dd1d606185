//! Every route for every role and for nobody, read from the document.

use crate::support::App;
use auth::allows;
use domain::Role;
use http::Method;
use serde_json::Value;
use web::Access;

struct Operation {
    method: Method,
    path: String,
    permission: Option<String>,
}

/// Every operation of the document, its path filled with ids that nothing has.
fn operations() -> Vec<Operation> {
    let document = admin::openapi();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path
                .replace("{id}", "01920000-0000-7000-8000-00000000dead")
                .replace("{text_id}", "01920000-0000-7000-8000-00000000beef")
                .replace("{number}", "1");
            assert!(!path.contains('{'), "{path} has a parameter that is not filled");
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path,
                permission: operation["x-permission"].as_str().map(str::to_owned),
            });
        }
    }
    operations
}

#[tokio::test]
async fn every_route_lets_in_exactly_the_roles_of_the_table() {
    let Some(app) = App::start().await else { return };
    for Operation { method, path, permission } in operations() {
        let Some(permission) = permission else {
            let open = ["/v1/admin/setup", "/v1/reports", "/reports"];
            assert!(open.contains(&path.as_str()), "only these have no permission: {path}");
            continue;
        };
        let anonymous = app.ask(method.clone(), &path).text("{}").send().await;
        assert_eq!(anonymous.status, 401, "{method} {path} for nobody");
        assert_eq!(anonymous.headers["www-authenticate"], "Bearer");
        for role in Role::ALL {
            let status = app.ask(method.clone(), &path).role(role).text("{}").send().await.status;
            let is_let_in = !matches!(status, 401 | 403);
            assert_eq!(is_let_in, allows(role, &permission), "{method} {path} for {role:?}: {status}");
            assert!(status < 500, "{method} {path} for {role:?}: {status}");
        }
    }
}

#[tokio::test]
async fn account_without_roles_is_let_in_nowhere() {
    let Some(app) = App::start().await else { return };
    let key = app.account("nobody", &[]).await;
    for Operation { method, path, permission } in operations() {
        if permission.is_some() {
            let answer = app.ask(method.clone(), &path).key(&key).text("{}").send().await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (403, Some("forbidden")),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn document_and_table_of_routes_agree() {
    let document = admin::openapi();
    let routes = admin::api().routes();
    let documented = document["paths"].as_object().unwrap().values();
    assert_eq!(routes.len(), documented.map(|item| item.as_object().unwrap().len()).sum::<usize>());
    for route in routes {
        let operation: &Value = &document["paths"][&route.path][route.method.to_lowercase()];
        match route.access {
            Access::Permission(name) => assert_eq!(operation["x-permission"], name, "{}", route.path),
            Access::Secret => assert_eq!(operation["x-secret"], true, "{}", route.path),
            Access::Public(policy) => {
                assert!(["/v1/reports", "/reports"].contains(&route.path.as_str()), "{}", route.path);
                assert_eq!(policy, web::CachePolicy::NoStore);
            }
        }
    }
}
