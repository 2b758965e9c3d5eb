"""What reading a chip refuses beside bytes that cannot be judged: one class for one reason.

AppError
├── ChipConsentRequired
└── InvalidArgument ── ChipConsentReferenceWrong, ChipOfNoCitizen, ChipQrOfOtherCard
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class ChipConsentRequired(AppError):
    """Nobody said that the person allows the chip to be read.

    Source: Identity Law (2023) art. 22, as cited in a public transcription: bodies outside the state need consent.
    """

    kind = Kind.PRECONDITION
    reason = "CHIP_CONSENT_REQUIRED"
    vi = "Chưa có sự đồng ý của người dân; hãy hỏi ý kiến trước khi đọc chip, hoặc quét mã QR trên thẻ."

    def __init__(self) -> None:
        super().__init__(
            "Ask the person and send consent.given, or scan the QR code instead.", field="consent.given"
        )


class ChipConsentReferenceWrong(InvalidArgument):
    """The reference of a consent is longer or holds other characters than references do."""

    reason = "CHIP_CONSENT_REFERENCE_WRONG"
    vi = "Mã tham chiếu sự đồng ý chỉ gồm chữ, số và -_/.: (tối đa 100 ký tự)."

    def __init__(self) -> None:
        super().__init__(
            "A reference has at most 100 letters, digits and -_/.: characters.", field="consent.reference"
        )


class ChipOfNoCitizen(InvalidArgument):
    """The chip is that of a foreign document, or of one without a citizen number."""

    reason = "CHIP_OF_NO_CITIZEN"
    vi = "Chip này không có số định danh công dân Việt Nam; hãy đăng ký bằng số hộ chiếu."

    def __init__(self) -> None:
        super().__init__("Register the person by the passport number instead.", field="dg1")


class ChipQrOfOtherCard(InvalidArgument):
    """The scanned code and the chip hold different citizen numbers."""

    reason = "CHIP_QR_OF_OTHER_CARD"
    vi = "Mã QR và chip là của hai thẻ khác nhau; hãy quét và đọc lại cùng một thẻ."

    def __init__(self) -> None:
        super().__init__("Scan the code and read the chip of one and the same card.", field="card_qr")
