"""Show the figures committed below results/ without a second copy of them in the repository.

A page links to a figure as it lies in the checkout, ``../results/paper/...``, which a code host
shows too. The built site has it at ``results/paper/...`` beside its pages.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_FIGURE = re.compile(r"\]\(\.\./((?:\.\./)*)(results/[^)\s]+\.(?:png|svg))\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every figure that a page shows to the files of the site."""
    root = Path(config.docs_dir).parent
    pages = [file.content_string for file in files.documentation_pages()]
    for name in sorted({found[2] for page in pages for found in _FIGURE.finditer(page)}):
        files.append(File.generated(config, name, abs_src_path=str(root / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  as MkDocs calls it
    """Point a page's figures to where the site has them."""
    return _FIGURE.sub(r"](\1\2)", markdown)
