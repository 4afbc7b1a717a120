"""From Taskiq's result to the end of a run."""

from typing import Any

from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from typing_extensions import override

from revenge_adapters.taskiq.shift import Shift


class JobLifecycle(TaskiqMiddleware):
    """Hands every end on, after all other middlewares have seen it."""

    def __init__(self, shift: Shift) -> None:
        super().__init__()
        self._shift = shift

    @override
    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        if held := self._shift.held.get(message.task_id):
            self._shift.begin(held)
        return message

    @override
    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        if held := self._shift.held.get(message.task_id):
            self._shift.settle(held, result.error)
