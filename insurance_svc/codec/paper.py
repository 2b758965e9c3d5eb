"""Renders the paper about a visit's look-ups as PDF or JSON; the same paper gives the same bytes."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

from insurance_svc.domain.evidence_paper import ExportFormat, Paper, paper_json, paper_sha256

QR_SCHEME = "LT-EVIDENCE:1"
"""The QR holds `LT-EVIDENCE:1:{visit}:{sum}`: what a reader needs to compare a paper with its record."""
REPLY_SHOWN_MAX = 3_000
"""Characters of a reply on the PDF; the JSON holds all of it."""
_REGULAR, _BOLD = "BeVietnamPro-Regular", "BeVietnamPro-SemiBold"
_OUTCOMES_VI = {
    "VALID": "Thẻ hợp lệ",
    "VALID_MANUAL": "Hợp lệ, kiểm tra giấy tờ",
    "CARD_CHANGED": "Đã đổi thẻ mới",
    "NOT_VALID": "Thẻ không có giá trị",
    "NOT_FOUND": "Không tìm thấy thẻ",
    "PERSON_MISMATCH": "Không khớp thông tin người bệnh",
    "UNVERIFIED": "Chưa xác minh được",
    "DISPUTED": "Có mâu thuẫn, chờ xác nhận",
    "SELF_PAY": "Tự chi trả",
}
_MOMENTS_VI = {"ARRIVAL": "Lúc đến khám", "DURING": "Trong điều trị", "END": "Trước khi kết thúc điều trị"}
# reportlab registers fonts for the process and fills their subsets while it draws.
_ONE_AT_A_TIME = threading.Lock()


def render(paper: Paper, chosen: ExportFormat) -> bytes:
    """The file of a paper; blocks for tens of milliseconds."""
    return paper_json(paper) if chosen is ExportFormat.JSON else paper_pdf(paper)


def paper_pdf(paper: Paper) -> bytes:
    """The paper as PDF (A4), without any time or id of its own making."""
    # Loaded by the first paper: the library is large and a service may never print.
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415
    from reportlab.lib.units import mm  # noqa: PLC0415
    from reportlab.platypus import SimpleDocTemplate  # noqa: PLC0415

    with _ONE_AT_A_TIME:
        _load_fonts()
        buffer = io.BytesIO()
        document = SimpleDocTemplate(
            buffer,
            pagesize=A4,
            leftMargin=18 * mm,
            rightMargin=18 * mm,
            topMargin=16 * mm,
            bottomMargin=18 * mm,
            title="Chứng cứ tra cứu BHYT",
            author=f"Cơ sở {paper['facility']}",
            creator="Liên Thông",
            lang="vi",
            invariant=1,
        )
        checksum = paper_sha256(paper)
        footer = _Footer(checksum)
        document.build(list(_story(paper, checksum)), onFirstPage=footer, onLaterPages=footer)
        return buffer.getvalue()


class _Footer:
    """Writes the sum and the page number below each page."""

    def __init__(self, checksum: str) -> None:
        self._checksum = checksum

    def __call__(self, canvas: Any, document: Any) -> None:  # Any: reportlab has no types
        canvas.saveState()
        canvas.setFont(_REGULAR, 7)
        left, right = document.leftMargin, document.pagesize[0] - document.rightMargin
        canvas.drawString(left, 28, f"SHA-256 {self._checksum}")
        canvas.drawRightString(right, 28, f"Trang {document.page}")
        canvas.restoreState()


def _story(paper: Paper, checksum: str) -> Iterator[Any]:
    """The paper's parts from top to bottom."""
    from reportlab.platypus import Spacer  # noqa: PLC0415

    yield _text("CHỨNG CỨ TRA CỨU THẺ BẢO HIỂM Y TẾ", size=14, bold=True, centred=True)
    yield _text(f"Căn cứ {paper['legal_basis_vi']}", size=8.5, centred=True)
    yield Spacer(0, 8)
    yield _facts(_head(paper), beside=_qr(f"{QR_SCHEME}:{paper['visit']}:{checksum}"))
    yield Spacer(0, 8)
    yield _text("Các lần tra cứu", size=11, bold=True)
    for look_up in paper["look_ups"]:
        yield Spacer(0, 4)
        yield _facts(_look_up(look_up))
        yield from _reply(look_up)
    yield Spacer(0, 14)
    yield _text("Người lập (ký, ghi rõ họ tên)", size=9, centred=True)


def _head(paper: Paper) -> list[tuple[str, str]]:
    citizen, contact, coverage, summary = (
        paper[part] for part in ("citizen", "contact", "coverage", "summary")
    )
    reached = " · ".join(text for text in (contact["phone"], contact["address"], contact["note"]) if text)
    said = [_OUTCOMES_VI.get(coverage["outcome"], coverage["outcome"])]
    said += [each for each in (coverage["portal_code"] and f"mã {coverage['portal_code']}",) if each]
    card = coverage["card"]
    rows = [
        ("Cơ sở khám chữa bệnh", paper["facility"]),
        ("Lượt khám", f"{paper['visit']}, ngày {_day(paper['service_date'])}"),
        ("Người bệnh", f"{citizen['full_name']}, sinh {_day(citizen['birth_date'])}"),
        ("Số dùng để tra cứu", citizen["identifier"]),
        ("Liên hệ người bệnh", reached or "không có"),
        ("Kết quả đến lúc này", f"{', '.join(said)} (tính đến {_time(coverage['as_of_time'])})"),
        ("", coverage["explanation_vi"]),
    ]
    if card is not None and card["number"]:
        until = _day(card["valid_to_date"]) or "không ghi"
        rows.append(("Thẻ", f"{card['number']}, từ {_day(card['valid_from_date'])} đến {until}"))
    rows.append(
        (
            "Tổng hợp",
            f"{summary['look_up_count']} lần tra cứu ({summary['call_count']} lượt gửi): "
            f"{summary['answered_count']} có trả lời, {summary['failed_count']} không; "
            f"từ {_time(summary['first_time'])} đến {_time(summary['last_time'])}",
        )
    )
    return rows


def _look_up(look_up: Paper) -> list[tuple[str, str]]:
    moment = _MOMENTS_VI[look_up["moment"]]
    rows = [
        (f"Lần {look_up['number']}", f"{moment}; dạng yêu cầu {look_up['request_form']}"),
        (
            "Gửi, nhận",
            f"{_time(look_up['send_time'])} – {_time(look_up['receive_time'])} ({look_up['duration_ms']} ms); "
            f"người tra cứu {look_up['caller']}",
        ),
    ]
    sent = look_up["sent"]
    if sent is not None:
        rows.append(
            ("Đã hỏi", f"mã thẻ {sent['maThe']}, họ tên {sent['hoTen']}, ngày sinh {sent['ngaySinh']}")
        )
    if look_up["failure_reason"]:
        rows.append(("Lỗi", f"{look_up['failure_vi']} ({look_up['failure_reason']})"))
    else:
        rows.append(("Trả lời", f"mã {look_up['portal_code']} {look_up['meaning_vi']}".strip()))
    rows.append(("SHA-256 trả lời", f"{look_up['reply_sha256']} ({look_up['reply_bytes']} byte)"))
    return rows


def _reply(look_up: Paper) -> Iterator[Any]:
    """The raw reply in small letters, cut where it is long."""
    reply = look_up["reply"]
    if reply is None:
        yield _text("Nội dung trả lời quá dài; xem bản gốc trên hệ thống.", size=7.5)
    elif reply:
        cut = len(reply) - REPLY_SHOWN_MAX
        more = f" … (còn {cut} ký tự, xem bản JSON)" if cut > 0 else ""
        yield _text(f"{reply[:REPLY_SHOWN_MAX]}{more}", size=6.5, boxed=True)


def _text(text: str, *, size: float, bold: bool = False, centred: bool = False, boxed: bool = False) -> Any:
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415
    from reportlab.platypus import Paragraph  # noqa: PLC0415

    style = ParagraphStyle(
        "text",
        fontName=_BOLD if bold else _REGULAR,
        fontSize=size,
        leading=size * 1.35,
        alignment=1 if centred else 0,
        borderWidth=0.3 if boxed else 0,
        borderColor="#999999" if boxed else None,
        borderPadding=3 if boxed else 0,
        leftIndent=4 if boxed else 0,
        rightIndent=4 if boxed else 0,
        spaceBefore=4 if boxed else 0,
        spaceAfter=6 if boxed else 0,
    )
    return Paragraph(_escaped(text), style)


def _facts(rows: list[tuple[str, str]], *, beside: Any = None) -> Any:
    """A table of names and values, with a picture at its right where there is one."""
    from reportlab.lib.units import mm  # noqa: PLC0415
    from reportlab.platypus import Table, TableStyle  # noqa: PLC0415

    cells = [[_text(name, size=8.5, bold=True), _text(value, size=8.5)] for name, value in rows]
    width = 170 * mm if beside is None else 134 * mm
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    facts = Table(cells, colWidths=[36 * mm, width - 36 * mm], style=style, hAlign="LEFT")
    if beside is None:
        return facts
    return Table([[facts, beside]], colWidths=[134 * mm, 36 * mm], style=style, hAlign="LEFT")


def _qr(content: str) -> Any:
    from reportlab.graphics.barcode.qr import QrCodeWidget  # noqa: PLC0415
    from reportlab.graphics.shapes import Drawing  # noqa: PLC0415
    from reportlab.lib.units import mm  # noqa: PLC0415

    side = 36 * mm
    drawing = Drawing(side, side)
    drawing.add(QrCodeWidget(content, barWidth=side, barHeight=side, barLevel="M"))
    return drawing


@lru_cache(maxsize=1)
def _load_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    for name in (_REGULAR, _BOLD):
        content = resources.files("insurance_svc.codec").joinpath("fonts", f"{name}.ttf").read_bytes()
        pdfmetrics.registerFont(TTFont(name, io.BytesIO(content)))


def _escaped(text: str) -> str:
    """Text for a paragraph, whose own language is a kind of XML; what has no letter is dropped."""
    shown = "".join(letter if letter >= " " else " " for letter in text)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(text: str) -> str:
    """An ISO moment of the paper as it is read in Viet Nam, to the second."""
    return datetime.fromisoformat(text).strftime("%H:%M:%S %d/%m/%Y")


def _day(text: str) -> str:
    """A FHIR date as it is read in Viet Nam; a part of one stays in its order."""
    if len(text) == 10:
        return date.fromisoformat(text).strftime("%d/%m/%Y")
    return "/".join(reversed(text.split("-")))
