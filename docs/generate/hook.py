"""MkDocs hook: adds generated pages and tables, and refuses pages that load foreign files."""

from __future__ import annotations

import re
from collections.abc import Callable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from command_page import command_line_page
from foreign_files import foreign_file
from limit_tables import schema_limits, template_limits
from metric_table import installation_metrics, process_metrics, request_metrics, worker_metrics
from openapi_page import api_page
from schema_page import sql_page
from settings_page import settings_page
from template_error_table import template_errors

PAGES: dict[str, Callable[[], str]] = {
    "reference/api.md": api_page,
    "reference/command-line.md": command_line_page,
    "reference/settings.md": settings_page,
    "reference/sql.md": sql_page,
}
# In a page: <!-- generated: template limits -->
TABLES: dict[str, Callable[[], str]] = {
    "template limits": template_limits,
    "schema limits": schema_limits,
    "template errors": template_errors,
    "metrics of a worker": worker_metrics,
    "metrics of the installation": installation_metrics,
    "metrics of requests": request_metrics,
    "metrics of every process": process_metrics,
}
_PLACEHOLDER = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds each generated page to the files of the site."""
    for path, write in PAGES.items():
        files.append(File.generated(config, path, content=write()))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Puts the generated tables of a page in."""
    return _PLACEHOLDER.sub(lambda match: TABLES[match[1]](), markdown)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Raises PluginError if a page loads a file of another site."""
    if (element := foreign_file(output)) is not None:
        raise PluginError(f"{page.file.src_path} loads a file of another site: {element}")
    return output
