"""Dagster's tree of components, filled by Waybill's own reading of the files.

Dagster's own way costs a walk over the whole tree for each component, derives each type's fields anew for each
instance, compiles a template for each text, and stops at the first mistake with a picture of the whole tree. What
YAML may say stays the same: `---` between components, `template_vars_module`, `post_processing`, types of other
packages and folders of type `dagster.DefsFolderComponent`, which Dagster itself reads.

The one module that builds on classes of the tree that are not public; `test_project.py` pins what they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata.metadata_value import ObjectMetadataValue
from dagster._core.definitions.metadata.source_code import CodeReferencesMetadataSet
from dagster._record import record
from dagster.components.core.component_tree import ComponentTree
from dagster.components.core.context import ComponentDeclLoadContext, ComponentLoadContext
from dagster.components.core.decl import (
    ComponentDecl,
    ComponentRootDecl,
    DefsFolderDecl,
    YamlBackedComponentDecl,
    build_component_decl_from_python_file,
    build_component_decl_from_yaml_document,
)
from dagster.components.core.defs_module import (
    ComponentLoc,
    ComponentPath,
    ComponentRootLoc,
    asset_post_processor_list_from_post_processing_dict,
    context_with_injected_scope,
)
from dagster.components.core.load_defs import get_library_json_enriched_defs
from dagster.components.resolved.core_models import post_process_defs
from dagster_shared.yaml_utils import parse_yamls_with_source_position

from resources.declared import DeclaredComponent, as_texts
from resources.references import Registry
from resources.yaml_positions import YamlDocument


@record
class DocumentDecl(ComponentDecl[dg.Component]):
    """A component of ours in a document of a file."""

    document: YamlDocument
    kind: type[dg.Component]

    @property
    def component_type(self) -> type[dg.Component]:
        """The class that the document names."""
        return self.kind

    def _load_component(self) -> dg.Component:
        raise AssertionError(f"{self.document.where()}: loaded by the project, before anybody asks")


class ProjectTree(ComponentTree):
    """The components of a project, for code that asks Dagster's tree for them."""

    @classmethod
    def from_defs(cls, defs: ModuleType, project_root: Path) -> ProjectTree:
        """An empty tree of the package `defs`."""
        return cls(defs_module=defs, project_root=project_root)

    @cached_property
    def registry(self) -> Registry:
        """What `resources.references` asks."""
        return Registry()

    @cached_property
    def _decls(self) -> dict[ComponentLoc, ComponentDecl[Any]]:
        return {}

    def adopt(self, decl: ComponentDecl[Any]) -> None:
        """Takes a declaration, and what hangs below it, into the tree."""
        self._decls.update(decl.iterate_loc_component_decl_pairs())

    def _component_decl_tree(self) -> dict[ComponentLoc, ComponentDecl[Any]]:
        return self._decls

    def find_root_decl(self) -> ComponentRootDecl:
        """The root; the files below it are read by the project."""
        return ComponentRootDecl(context=self.decl_load_context, loc=ComponentRootLoc(), decls=[])

    @contextmanager
    def augment_component_tree_exception(
        self,
        loc: Any,  # noqa: ARG002 - Dagster's signature
        msg_for_key: Callable[[str], str],  # noqa: ARG002
    ) -> Iterator[None]:
        """Leaves an error as it is: a picture of all components would bury its one line."""
        yield

    def library_definitions(self) -> dg.Definitions:
        """What the UI shows of the component types themselves."""
        return dg.Definitions(metadata=_described_types(), component_tree=self)


class YamlComponent:
    """A component in a document of a file: loaded, then built.

    Args:
        tree: where it belongs.
        document: its YAML.
        number: which document of its file it is.
        kind: its class.
    """

    def __init__(
        self, tree: ProjectTree, document: YamlDocument, number: int, kind: type[dg.Component]
    ) -> None:
        self._tree = tree
        self._document = document
        self.loc = ComponentPath.from_path(document.file.parent, number)
        self._decl = DocumentDecl(
            context=tree.decl_load_context.for_component_loc(self.loc),
            loc=self.loc,
            document=document,
            kind=kind,
        )
        tree.adopt(self._decl)
        self._component: dg.Component | None = None

    def load(self, attributes: Any) -> dg.Component:
        """The component itself, known to the others from then on."""
        decl = self._decl
        context = ComponentLoadContext.from_decl_load_context(self._scoped(), decl)
        component = decl.kind.load(attributes, context)
        self._component = component
        self._tree.state_tracker.set_cache_data(decl.loc, component=component, component_decl=decl)
        if isinstance(component, DeclaredComponent):
            self._tree.registry.add(
                component,
                loc=decl.loc,
                where=self._document.where(("attributes", "name")),
                document=self._document,
            )
        return component

    def build(self) -> dg.Definitions:
        """Its definitions, each with the place where it is declared."""
        component = self._component
        if component is None:
            raise AssertionError("a component is built after it was loaded")
        context = ComponentLoadContext.from_decl_load_context(self._decl.context, self._decl)
        built = with_place(component.build_defs(context), component, self._document)
        self._tree.state_tracker.set_cache_data(self._decl.loc, defs=built)
        given = self._document.value.get("post_processing")
        if not given:
            return built
        resolution = as_texts(self._scoped().resolution_context)
        processors = asset_post_processor_list_from_post_processing_dict(resolution, given)
        processed: dg.Definitions = post_process_defs(built, processors)
        return processed

    def _scoped(self) -> ComponentDeclLoadContext:
        module = self._document.value.get("template_vars_module")
        if not (module or self._document.has_braces):
            return self._decl.context  # what Dagster finds out for templates would not be used
        return context_with_injected_scope(self._decl.context, self._decl.kind, module)


def load_aside(
    tree: ProjectTree, document: YamlDocument, kind: type[dg.Component], attributes: Any
) -> tuple[dg.Component, ComponentLoadContext]:
    """A component that the tree does not get to know, such as one that is only being written; and where it would stand."""
    loc = ComponentPath.from_path(document.file.parent, 0)
    context = tree.decl_load_context.for_component_loc(loc)
    decl = DocumentDecl(context=context, loc=loc, document=document, kind=kind)
    scoped = context_with_injected_scope(context, kind, None) if document.has_braces else context
    load_context = ComponentLoadContext.from_decl_load_context(scoped, decl)
    return kind.load(attributes, load_context), load_context


def with_place(
    built: dg.Definitions, component: dg.Component, document: YamlDocument
) -> dg.Definitions:
    """The definitions with a link to the line of their declaration, as Dagster's own loader makes it."""
    reference = dg.LocalFileCodeReference(file_path=str(document.file), line_number=document.line())

    def add(metadata: Mapping[str, Any]) -> dict[str, Any]:
        present = CodeReferencesMetadataSet.extract(metadata).code_references
        others = present.code_references if present else []
        return {
            **metadata,
            "dagster/code_references": dg.CodeReferencesMetadataValue(
                code_references=[*others, reference]
            ),
            "dagster/component_origin": ObjectMetadataValue(component),
        }

    placed: dg.Definitions = built.with_definition_metadata_update(add)
    return placed


class ForeignComponents:
    """What Dagster itself reads and builds: a file that names types of others, or Python."""

    def __init__(self, tree: ProjectTree, decl: ComponentDecl[Any]) -> None:
        self._tree = tree
        self._decl = decl
        tree.adopt(decl)

    @classmethod
    def from_document(
        cls, tree: ProjectTree, document: YamlDocument, number: int
    ) -> ForeignComponents:
        """A component of another package, or a folder."""
        loc = ComponentPath.from_path(document.file.parent, number)
        positions = parse_yamls_with_source_position(document.source_text(), str(document.file))
        decl = build_component_decl_from_yaml_document(
            tree.decl_load_context.for_component_loc(loc), positions[number], loc
        )
        return cls(tree, decl)

    @classmethod
    def from_python(cls, tree: ProjectTree, file: Path) -> ForeignComponents:
        """A Python file with definitions, or with functions that make components."""
        context = tree.decl_load_context.for_component_loc(ComponentPath.from_path(file))
        return cls(tree, build_component_decl_from_python_file(context))

    def load(self) -> None:
        """Loads what there is."""
        self._tree.load_structural_component_at_loc(self._decl.loc)
        for decl in self._decl.iterate_all_component_decls():
            component = self._tree.load_component(decl.loc)
            if isinstance(component, DeclaredComponent):
                where = str(getattr(decl.loc, "file_path_posix", ""))
                self._tree.registry.add(component, loc=decl.loc, where=f"{where}:1")

    def build(self) -> dg.Definitions:
        """Its definitions."""
        built = self._tree.build_defs_at_path(self._decl.loc)
        if not isinstance(self._decl, YamlBackedComponentDecl):
            return built
        processors = self._decl.get_asset_post_processor_lists()
        return post_process_defs(built, list(processors)) if processors else built


def is_folder_type(kind: type[dg.Component]) -> bool:
    """Whether components of this type stand for a folder, whose content Dagster reads."""
    return kind.get_decl_type() is DefsFolderDecl


def is_imported(file: Path) -> bool:
    """Whether some module of this process came from `file`."""
    return any(getattr(m, "__file__", None) == str(file) for m in list(sys.modules.values()))


@cache
def _described_types() -> Mapping[str, Any]:
    """Schemas and examples of all component types, which stay the same as long as a process lives.

    They take 0.2 s of CPU, ten times what a small project takes to load.
    """
    return get_library_json_enriched_defs(None).metadata or {}
