"""What the master index refuses: one class for one reason.

AppError
├── InvalidArgument ── FactsIncomplete, DuplicateNameMalformed, MergeWithItself
├── DuplicateNotFound
├── PRECONDITION ── DuplicateNotProposed, CitizenAlreadyMerged, CitizenNotMerged, UnmergeSurvivorFirst,
│                   MergePlanOutdated, MergeHasConflicts, RematchRunning
"""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import AppError, InvalidArgument, Kind


class FactsIncomplete(InvalidArgument):
    """There is no name, or no birth year, to look for."""

    reason = "FACTS_INCOMPLETE"
    vi = "Cần có họ tên và ít nhất năm sinh để tìm hồ sơ trùng; hãy bổ sung."

    def __init__(self) -> None:
        super().__init__("Send a full name and at least the year of birth, or a citizen.", field="facts")


class DuplicateNameMalformed(InvalidArgument):
    """A resource name is not "citizens/{citizen}/duplicates/{other}"."""

    reason = "DUPLICATE_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng citizens/{mã}/duplicates/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__('Send a name of the form "citizens/{citizen}/duplicates/{other}".', field="name")


class MergeWithItself(InvalidArgument):
    """Both names are one citizen."""

    reason = "MERGE_WITH_ITSELF"
    vi = "Hai hồ sơ cần gộp là một; hãy chọn hai hồ sơ khác nhau."

    def __init__(self) -> None:
        super().__init__("Name two different citizens.", field="survivor")


class DuplicateNotFound(AppError):
    """This pair was never proposed."""

    kind = Kind.NOT_FOUND
    reason = "DUPLICATE_NOT_FOUND"
    vi = "Không có cặp hồ sơ nghi trùng này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("Take the name from the list of duplicates.")


class DuplicateNotProposed(AppError):
    """The pair was decided already, or its facts changed."""

    kind = Kind.PRECONDITION
    reason = "DUPLICATE_NOT_PROPOSED"
    vi = "Cặp hồ sơ này đã được xử lý; hãy mở lại danh sách."

    def __init__(self, state: str) -> None:
        super().__init__("Open the list again; somebody or a change of facts settled this pair.", state=state)


class CitizenAlreadyMerged(AppError):
    """One of the two is linked into somebody already."""

    kind = Kind.PRECONDITION
    reason = "CITIZEN_ALREADY_MERGED"
    vi = "Hồ sơ này đã được gộp vào hồ sơ khác; hãy dùng hồ sơ chính."

    def __init__(self, survivor_id: str) -> None:
        super().__init__(
            "Use the citizen it is linked into, or end that link first.", survivor=f"citizens/{survivor_id}"
        )


class CitizenNotMerged(AppError):
    """There is no link to end."""

    kind = Kind.PRECONDITION
    reason = "CITIZEN_NOT_MERGED"
    vi = "Hồ sơ này chưa được gộp vào hồ sơ nào."

    def __init__(self) -> None:
        super().__init__("Only a citizen that is linked into another can be unlinked.")


class UnmergeSurvivorFirst(AppError):
    """The survivor was itself linked on: links end in the reverse order they were made."""

    kind = Kind.PRECONDITION
    reason = "UNMERGE_SURVIVOR_FIRST"
    vi = "Hồ sơ chính đã được gộp tiếp vào hồ sơ khác; hãy tách hồ sơ chính trước."

    def __init__(self, survivor_id: str) -> None:
        super().__init__("End the survivor's own link first.", survivor=f"citizens/{survivor_id}")


class MergePlanOutdated(AppError):
    """Something about the two changed since the plan."""

    kind = Kind.PRECONDITION
    reason = "MERGE_PLAN_OUTDATED"
    vi = "Dữ liệu đã thay đổi từ lúc xem trước; hãy xem lại trước khi gộp."

    def __init__(self) -> None:
        super().__init__(
            "Plan the merge again and look at it before sending its digest.", field="plan_digest"
        )


class MergeHasConflicts(AppError):
    """The two contradict each other, and nobody accepted that."""

    kind = Kind.PRECONDITION
    reason = "MERGE_HAS_CONFLICTS"
    vi = "Hai hồ sơ mâu thuẫn nhau; hãy xem trước việc gộp và xác nhận mâu thuẫn."

    def __init__(self, conflicts: Sequence[str]) -> None:
        super().__init__(
            "Plan the merge, look at its conflicts, and send accept_conflicts with its digest.",
            conflicts=",".join(conflicts),
        )


class RematchRunning(AppError):
    """A run that matches everybody anew has not ended."""

    kind = Kind.PRECONDITION
    reason = "REMATCH_RUNNING"
    vi = "Đang đối chiếu lại toàn bộ; hãy đợi lần này xong."

    def __init__(self) -> None:
        super().__init__("Wait until the run has ended; its progress can be read.")
