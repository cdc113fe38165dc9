"""Run by Alembic."""

from alembic import context

from facetkit.migrations import run_in

run_in(context)  # type: ignore[arg-type]
