//! One statement with its values, as a value that can be sent twice.

use crate::error::Error;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, SqlSafeStr, SqlStr, Type};

/// A statement whose text is fixed.
#[derive(Clone)]
pub(crate) struct Statement {
    sql: SqlStr,
    arguments: PgArguments,
    unsendable: Option<String>,
}

impl Statement {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.into_sql_str(), arguments: PgArguments::default(), unsendable: None }
    }

    /// Adds the value of the next placeholder.
    pub(crate) fn bind<T>(mut self, value: T) -> Self
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.unsendable.get_or_insert_with(|| error.to_string());
        }
        self
    }

    /// Sends it and waits for all rows.
    pub(crate) async fn fetch(self, connection: &mut PgConnection) -> Result<Vec<PgRow>, Error> {
        Ok(self.query()?.fetch_all(connection).await?)
    }

    /// Sends it and says how many rows it changed.
    pub(crate) async fn execute(self, connection: &mut PgConnection) -> Result<u64, Error> {
        Ok(self.query()?.execute(connection).await?.rows_affected())
    }

    fn query(self) -> Result<Query<'static, Postgres, PgArguments>, Error> {
        match self.unsendable {
            Some(reason) => Err(Error::Corrupt(format!("a value cannot be sent: {reason}"))),
            None => Ok(sqlx::query_with(self.sql, self.arguments)),
        }
    }
}

/// A statement that grows by its conditions. Only fixed text is ever pushed; values are bound.
pub(crate) struct Growing {
    text: String,
    bound: usize,
    statement: Statement,
}

impl Growing {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), bound: 0, statement: Statement::new("") }
    }

    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder and its value.
    pub(crate) fn bind<T>(&mut self, value: T) -> &mut Self
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        self.bound += 1;
        self.text.push('$');
        self.text.push_str(&self.bound.to_string());
        let unbound = Statement::new("");
        self.statement = std::mem::replace(&mut self.statement, unbound).bind(value);
        self
    }

    pub(crate) fn finish(self) -> Statement {
        Statement { sql: AssertSqlSafe(self.text).into_sql_str(), ..self.statement }
    }
}
