"""What an import of a register file refuses: one class for one reason.

AppError
├── InvalidArgument ── ImportHeaderMissing, RegisterFileEmpty, RegisterFileUnreadable, LayoutMalformed,
│                      RequiredColumnMissing, FileHashMalformed, FileSizeWrong, AsOfDateWrong, ImportNameMalformed,
│                      SourceNameMissing
├── ImportNotFound
├── ImportEnded, LayoutDiffers, FileDiffers
├── ImportMovedOn, ImportWorkerLost
└── NotTheImporter
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class ImportHeaderMissing(InvalidArgument):
    """A stream did not begin with its header, or sent it twice."""

    reason = "IMPORT_HEADER_MISSING"
    vi = "Luồng dữ liệu phải bắt đầu bằng phần đầu (header) một lần; hãy kiểm tra phần mềm gửi."

    def __init__(self) -> None:
        super().__init__("Send the header first and once, then content.", field="header")


class RegisterFileEmpty(InvalidArgument):
    """A file has no line of column names."""

    reason = "REGISTER_FILE_EMPTY"
    vi = "Tệp không có dòng tiêu đề; hãy kiểm tra tệp."

    def __init__(self) -> None:
        super().__init__("Send a file whose first line names its columns.", field="content")


class RegisterFileUnreadable(InvalidArgument):
    """A file is not in the format it is said to be in."""

    reason = "REGISTER_FILE_UNREADABLE"
    vi = "Không đọc được tệp; hãy kiểm tra định dạng CSV hoặc Parquet."

    def __init__(self) -> None:
        super().__init__("Send CSV, or Parquet as a whole.", field="content")


class LayoutMalformed(InvalidArgument):
    """A layout cannot be used: format, encoding, separator or columns are not what the description allows."""

    reason = "LAYOUT_MALFORMED"
    vi = "Cấu trúc tệp khai báo chưa đúng; hãy kiểm tra trường được nêu."

    def __init__(self, field: str) -> None:
        super().__init__("Take the layout that InspectRegisterFile answers.", field=field)


class RequiredColumnMissing(InvalidArgument):
    """No column holds a field that no row can do without."""

    reason = "REQUIRED_COLUMN_MISSING"
    vi = "Thiếu cột bắt buộc; hãy chỉ rõ cột nào là trường được nêu."

    def __init__(self, register_field: str) -> None:
        super().__init__(
            "Say which column holds the field.", field="layout.columns", register_field=register_field
        )


class FileHashMalformed(InvalidArgument):
    """The file's hash is not a SHA-256."""

    reason = "FILE_HASH_MALFORMED"
    vi = "Mã băm của tệp phải là SHA-256 (64 chữ số hệ 16); hãy kiểm tra phần mềm gửi."

    def __init__(self) -> None:
        super().__init__("Send the SHA-256 of the whole file, 64 hex digits.", field="file_sha256")


class FileSizeWrong(InvalidArgument):
    """The file's size is out of bounds."""

    reason = "FILE_SIZE_WRONG"
    vi = "Kích thước tệp không hợp lệ; hãy kiểm tra tệp."

    def __init__(self, max_bytes: int) -> None:
        super().__init__("Send the size of the whole file in bytes.", field="size_bytes", max_bytes=max_bytes)


class AsOfDateWrong(InvalidArgument):
    """The day of the facts is no day, or in the future."""

    reason = "AS_OF_DATE_WRONG"
    vi = "Ngày của dữ liệu phải có dạng năm-tháng-ngày và không ở tương lai."

    def __init__(self) -> None:
        super().__init__("Send the day the file's facts are of, YYYY-MM-DD.", field="as_of_date")


class SourceNameMissing(InvalidArgument):
    """Where the file comes from is not told, or in too many words."""

    reason = "SOURCE_NAME_MISSING"
    vi = "Chưa ghi nguồn của tệp (tối đa 200 ký tự)."

    def __init__(self) -> None:
        super().__init__("Say where the file comes from, at most 200 characters.", field="source_name")


class ImportNameMalformed(InvalidArgument):
    """A resource name is not "registerImports/{id}"."""

    reason = "IMPORT_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng registerImports/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self, field: str = "name") -> None:
        super().__init__('Send a name of the form "registerImports/{id}".', field=field)


class ImportNotFound(AppError):
    """There is no such import."""

    kind = Kind.NOT_FOUND
    reason = "IMPORT_NOT_FOUND"
    vi = "Không tìm thấy lần nhập này; hãy xem danh sách các lần nhập."

    def __init__(self) -> None:
        super().__init__("List the imports and take a name from there.")


class ImportEnded(AppError):
    """An import that is done or cancelled takes nothing more."""

    kind = Kind.PRECONDITION
    reason = "IMPORT_ENDED"
    vi = "Lần nhập này đã kết thúc; hãy tạo lần nhập mới nếu cần."

    def __init__(self, state: str) -> None:
        super().__init__("Create a new import if there is more to take in.", state=state)


class LayoutDiffers(AppError):
    """The file's first line does not name the columns of the layout."""

    kind = Kind.PRECONDITION
    reason = "LAYOUT_DIFFERS"
    vi = "Dòng tiêu đề của tệp khác cấu trúc đã khai báo; hãy kiểm tra lại tệp."

    def __init__(self) -> None:
        super().__init__("Inspect the file again and create an import with its layout.")


class FileDiffers(AppError):
    """The bytes that came are not those of the file that was announced."""

    kind = Kind.PRECONDITION
    reason = "FILE_DIFFERS"
    vi = "Nội dung tệp khác với tệp đã khai báo; hãy tạo lần nhập mới."

    def __init__(self) -> None:
        super().__init__("The file changed since it was announced: create a new import.")


class ImportMovedOn(AppError):
    """A piece begins elsewhere than the import goes on; `next_offset` tells where."""

    kind = Kind.ABORTED
    reason = "IMPORT_MOVED_ON"
    vi = "Vị trí gửi không khớp với tiến độ; hãy gửi tiếp từ vị trí được nêu."

    def __init__(self, next_offset: int) -> None:
        super().__init__("Go on from next_offset.", field="offset", next_offset=next_offset)


class NotTheImporter(AppError):
    """Only the person who began an import may go on with it or see its rows."""

    kind = Kind.PERMISSION
    reason = "NOT_THE_IMPORTER"
    vi = "Chỉ người đã nhập tệp mới được tiếp tục hoặc xem các dòng bị loại."

    def __init__(self) -> None:
        super().__init__("Ask the person who imported the file.")


class ImportWorkerLost(AppError):
    """The process that prepares rows ended; the import goes on from its last batch."""

    kind = Kind.UNAVAILABLE
    reason = "IMPORT_WORKER_LOST"
    vi = "Tiến trình xử lý tệp đã dừng; hãy gửi tiếp từ vị trí đã lưu."

    def __init__(self) -> None:
        super().__init__("Read the import and go on from its next_offset.")
