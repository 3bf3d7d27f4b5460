"""Pipelines and their stages: deals and leads from the portal's directory, contacts as the lifecycle pipeline.

A stage's display order is its place. New deal stages bring their stage stamps with them. The lifecycle pipeline only
mirrors the options of `lifecyclestage` and cannot be written here, as HubSpot has it in its settings.

Routes: /crm/v3/pipelines/{object type} and /crm/pipelines/2026-03/{object type}.
Source: hubspot-facts 4, 7; metadata values are strings.
"""

from __future__ import annotations

import uuid
from typing import Any

from . import schema
from .app import ApiError, Request, Response, require, route
from .definitions import add_stage_stamps, live
from .directory import Pipeline, Stage
from .portal import Portal, object_type

V3 = "/crm/v3/pipelines/{object_type}"
DATED = "/crm/pipelines/2026-03/{object_type}"
ONE = "/{pipeline}"
STAGES = "/{pipeline}/stages"
STAGE = "/{pipeline}/stages/{stage}"
LIFECYCLE = "contacts-lifecycle-pipeline"


@route("GET", V3, DATED)
def list_pipelines(request: Request, type_name: str) -> Response:
    """All live pipelines with their stages."""
    kind = _type(request, type_name)
    return Response(200, {"results": [show(kind, each, at) for at, each in enumerate(_live(request.portal, kind))]})


@route("POST", V3, DATED)
def create_pipeline(request: Request, type_name: str) -> Response:
    """Make a pipeline from `{label, displayOrder, stages[]}`: 201."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    label, given = str(body.get("label") or ""), body.get("stages")
    if not label or not isinstance(given, list) or not given:
        raise ApiError(400, "VALIDATION_ERROR", "A pipeline needs a label and at least one stage")
    if any(each.label == label for each in _live(request.portal, kind)):
        raise ApiError(409, "CONFLICT", f"A pipeline labelled '{label}' already exists")
    stages = [_new_stage(row) for row in sorted(given, key=_order)]
    pipelines = request.portal.directory.pipelines.setdefault(kind, [])
    made = Pipeline(str(body.get("pipelineId") or uuid.uuid4()), label, stages)
    pipelines.insert(_order(body, len(pipelines)), made)
    _stamp(request.portal, kind, stages)
    return Response(201, show(kind, made, pipelines.index(made)))


@route("GET", V3 + ONE, DATED + ONE)
def get_pipeline(request: Request, type_name: str, pipeline_id: str) -> Response:
    """One pipeline."""
    kind = _type(request, type_name)
    return Response(200, _shown(request.portal, kind, pipeline_id))


@route("PATCH", V3 + ONE, DATED + ONE)
@route("PUT", V3 + ONE, DATED + ONE)
def update_pipeline(request: Request, type_name: str, pipeline_id: str) -> Response:
    """Change label, place or (PUT) all stages."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    pipeline = _find(request.portal, kind, pipeline_id)
    pipeline.label = str(body.get("label") or pipeline.label)
    if request.method == "PUT" and body.get("stages"):
        pipeline.stages = [_new_stage(row) for row in sorted(body["stages"], key=_order)]
        _stamp(request.portal, kind, pipeline.stages)
    pipelines = request.portal.directory.pipelines[kind]
    pipelines.remove(pipeline)
    pipelines.insert(_order(body, len(pipelines)), pipeline)
    return Response(200, _shown(request.portal, kind, pipeline_id))


@route("DELETE", V3 + ONE, DATED + ONE)
def delete_pipeline(request: Request, type_name: str, pipeline_id: str) -> Response:
    """Archive a pipeline that no record uses: 204."""
    kind = _type(request, type_name, write=True)
    pipeline = _find(request.portal, kind, pipeline_id)
    _refuse_in_use(request.portal, kind, {stage.id for stage in pipeline.stages})
    pipeline.archived = True
    return Response(204)


@route("GET", V3 + STAGES, DATED + STAGES)
def list_stages(request: Request, type_name: str, pipeline_id: str) -> Response:
    """The stages of a pipeline, in order."""
    kind = _type(request, type_name)
    return Response(200, {"results": _shown(request.portal, kind, pipeline_id)["stages"]})


@route("POST", V3 + STAGES, DATED + STAGES)
def create_stage(request: Request, type_name: str, pipeline_id: str) -> Response:
    """Add a stage `{label, displayOrder, metadata}`: 201."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    pipeline, stage = _find(request.portal, kind, pipeline_id), _new_stage(body)
    if any(each.label == stage.label or each.id == stage.id for each in pipeline.stages):
        raise ApiError(409, "CONFLICT", f"A stage labelled '{stage.label}' already exists in this pipeline")
    pipeline.stages.insert(_order(body, len(pipeline.stages)), stage)
    _stamp(request.portal, kind, [stage])
    return Response(201, _stage_shown(request.portal, kind, pipeline_id, stage.id))


@route("GET", V3 + STAGE, DATED + STAGE)
def get_stage(request: Request, type_name: str, pipeline_id: str, stage_id: str) -> Response:
    """One stage."""
    return Response(200, _stage_shown(request.portal, _type(request, type_name), pipeline_id, stage_id))


@route("PATCH", V3 + STAGE, DATED + STAGE)
@route("PUT", V3 + STAGE, DATED + STAGE)
def update_stage(request: Request, type_name: str, pipeline_id: str, stage_id: str) -> Response:
    """Change a stage's label, metadata or place."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    pipeline = _find(request.portal, kind, pipeline_id)
    stage = _find_stage(pipeline, stage_id)
    stage.label = str(body.get("label") or stage.label)
    _set_metadata(stage, body.get("metadata") or {})
    if body.get("displayOrder") is not None:
        pipeline.stages.remove(stage)
        pipeline.stages.insert(_order(body), stage)
    return Response(200, _stage_shown(request.portal, kind, pipeline_id, stage_id))


@route("DELETE", V3 + STAGE, DATED + STAGE)
def delete_stage(request: Request, type_name: str, pipeline_id: str, stage_id: str) -> Response:
    """Remove a stage that no record is in: 204."""
    kind = _type(request, type_name, write=True)
    pipeline = _find(request.portal, kind, pipeline_id)
    stage = _find_stage(pipeline, stage_id)
    _refuse_in_use(request.portal, kind, {stage.id})
    pipeline.stages.remove(stage)
    return Response(204)


def show(kind: str, pipeline: Pipeline, place: int) -> dict[str, Any]:
    """Give a pipeline in HubSpot's shape; `place` is its display order."""
    live = [stage for stage in pipeline.stages if not stage.archived]
    return {
        "id": pipeline.id,
        "label": pipeline.label,
        "displayOrder": place,
        "createdAt": schema.MADE_AT,
        "updatedAt": schema.MADE_AT,
        "archived": pipeline.archived,
        "stages": [_show_stage(kind, stage, order) for order, stage in enumerate(live)],
    }


def _show_stage(kind: str, stage: Stage, order: int) -> dict[str, Any]:
    metadata = {"isClosed": "true" if stage.closed else "false"}
    if kind == "deals":
        metadata["probability"] = stage.probability
    return {
        "id": stage.id,
        "label": stage.label,
        "displayOrder": order,
        "metadata": metadata if kind != "contacts" else {},
        "createdAt": schema.MADE_AT,
        "updatedAt": schema.MADE_AT,
        "archived": stage.archived,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _type(request: Request, type_name: str, *, write: bool = False) -> str:
    kind = object_type(type_name)
    if kind not in ("contacts", "deals", "leads"):
        raise ApiError(400, "VALIDATION_ERROR", f"Object type {type_name} has no pipelines")
    if write and kind == "contacts":
        raise ApiError(400, "VALIDATION_ERROR", "Lifecycle stages are changed by the options of lifecyclestage")
    verb = "write" if write else "read"
    require(request, f"crm.objects.{kind}.{verb}|crm.schemas.{kind}.{verb}")
    return kind


def _live(portal: Portal, kind: str) -> list[Pipeline]:
    if kind == "contacts":
        options = live(portal, "contacts", "lifecyclestage")["options"]
        stages = [Stage(each["value"], each["label"]) for each in options if not each["hidden"]]
        return [Pipeline(LIFECYCLE, "Lifecycle stage pipeline", stages)]
    return [each for each in portal.directory.pipelines.get(kind, []) if not each.archived]


def _find(portal: Portal, kind: str, pipeline_id: str) -> Pipeline:
    for pipeline in _live(portal, kind):
        if pipeline.id == pipeline_id:
            return pipeline
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Could not find pipeline with id {pipeline_id}")


def _find_stage(pipeline: Pipeline, stage_id: str) -> Stage:
    for stage in pipeline.stages:
        if stage.id == stage_id and not stage.archived:
            return stage
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Could not find stage with id {stage_id}")


def _shown(portal: Portal, kind: str, pipeline_id: str) -> dict[str, Any]:
    _find(portal, kind, pipeline_id)
    ids = [each.id for each in _live(portal, kind)]
    place = ids.index(pipeline_id)
    return show(kind, _live(portal, kind)[place], place)


def _stage_shown(portal: Portal, kind: str, pipeline_id: str, stage_id: str) -> dict[str, Any]:
    for stage in _shown(portal, kind, pipeline_id)["stages"]:
        if stage["id"] == stage_id:
            found: dict[str, Any] = stage
            return found
    raise ApiError(404, "OBJECT_NOT_FOUND", f"Could not find stage with id {stage_id}")


def _new_stage(row: Any) -> Stage:
    if not isinstance(row, dict) or not row.get("label"):
        raise ApiError(400, "VALIDATION_ERROR", "A stage needs a label")
    stage = Stage(str(row.get("stageId") or row.get("id") or uuid.uuid4()), str(row["label"]))
    _set_metadata(stage, row.get("metadata") or {})
    return stage


def _set_metadata(stage: Stage, metadata: dict[str, Any]) -> None:
    if "probability" in metadata:
        try:
            inside = 0.0 <= float(metadata["probability"]) <= 1.0
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise ApiError(400, "VALIDATION_ERROR", "probability must be a number from 0.0 to 1.0, as a string")
        stage.probability = str(metadata["probability"])
        stage.closed = float(stage.probability) in (0.0, 1.0)
    if "isClosed" in metadata:
        stage.closed = str(metadata["isClosed"]).lower() == "true"


def _order(row: Any, default: int = 0) -> int:
    place = row.get("displayOrder") if isinstance(row, dict) else None
    return place if isinstance(place, int) and place >= 0 else default


def _refuse_in_use(portal: Portal, kind: str, stages: set[str]) -> None:
    name = "dealstage" if kind == "deals" else "hs_pipeline_stage"
    users = [record.id for record in portal.objects[kind].records.values() if record.value(name) in stages]
    if users:
        message = f"{len(users)} {kind} are in a stage that would be removed; move them first"
        raise ApiError(400, "VALIDATION_ERROR", message, sub_category="PipelineError.STAGE_ID_IN_USE")


def _stamp(portal: Portal, kind: str, stages: list[Stage]) -> None:
    if kind == "deals":
        add_stage_stamps(portal, kind, [stage.id for stage in stages])
