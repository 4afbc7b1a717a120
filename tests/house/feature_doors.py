"""The import-linter contract for what one feature of core may know of another (pyproject.toml, contract 3)."""

from typing import TYPE_CHECKING, cast

from importlinter import Contract, ContractCheck, fields, output
from typing_extensions import override

if TYPE_CHECKING:
    from grimp import ImportGraph

OUTSIDE = ("", "")


class FeatureDoors(Contract):
    """Across features: the open files for everybody, the service for services, nothing else and no package door."""

    core = fields.StringField()
    features = fields.ListField(subfield=fields.StringField())
    open_files = fields.ListField(subfield=fields.StringField())
    service_file = fields.StringField()

    @override
    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:
        broken = [
            (importer, imported)
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._is_broken(importer, imported)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    @override
    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in cast("list[tuple[str, str]]", check.metadata["broken"]):
            output.print_error(f"{importer} may not import {imported}", bold=False)
        output.new_line()

    def _is_broken(self, importer: str, imported: str) -> bool:
        here, file_here = self._place(importer)
        there, file_there = self._place(imported)
        if not here or not there or here == there:
            return False
        is_open = file_there in cast("list[str]", self.open_files)
        return not is_open and not (file_here == file_there == cast("str", self.service_file))

    def _place(self, module: str) -> tuple[str, str]:
        """The feature and the file that `module` belongs to; empty names for what is outside."""
        core, _, rest = module.partition(".")
        feature, _, path = rest.partition(".")
        is_inside = core == cast("str", self.core) and feature in cast("list[str]", self.features)
        return (feature, path.partition(".")[0]) if is_inside else OUTSIDE
