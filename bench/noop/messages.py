"""One check-in's messages as the real suite exchanges them: invented people, usual lengths."""

from __future__ import annotations

import json

from google.protobuf.timestamp_pb2 import Timestamp

from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as gateway
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment

REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
VISIT_ID = "7c9e6679742540de944be07fc1f90ae7"
CITIZEN = "citizens/0199d3a87c5b7e21b4d0c51e2a9f6b13"
NUMBER = "099099000019"
NAME = "Nông Thị Hồng Phượng"
ADDRESS = "Thôn Bản Cám, Xã Ba Bể, Tỉnh Thái Nguyên"
QR = f"{NUMBER}|099000019|{NAME}|01011990|Nữ|{ADDRESS}|02072025"
NOW = Timestamp(seconds=1_790_000_000, nanos=123_456_000)


def visit_name() -> str:
    """The visit's resource name."""
    return f"visits/{VISIT_ID}"


def verify_card_request(card_qr: str = QR) -> identity.VerifyCardRequest:
    """What the gateway asks identity."""
    return identity.VerifyCardRequest(request_id=REQUEST_ID, card_qr=card_qr, facility_code="19999")


def verify_card_response() -> identity.VerifyCardResponse:
    """A confirmed citizen with an address in today's form."""
    verification = identity.Verification(
        name=f"{CITIZEN}/verifications/0199d3a87c5d7a02b1c3f5e7d9a8b6c4",
        outcome=identity.VERIFICATION_OUTCOME_VERIFIED,
        fields=[
            identity.FieldCheck(field=field, result=identity.FIELD_RESULT_MATCH)
            for field in ("personal_number", "full_name", "birth_date", "gender", "address")
        ],
        register_reference="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        check_time=NOW,
        warnings=["UNKNOWN_PREFIX"],
    )
    old_unit = identity.AdministrativeUnit(
        vintage="before-2025-07",
        ward_code="01945",
        ward_name="Xã Khang Ninh",
        district_code="061",
        district_name="Huyện Ba Bể",
        province_code="06",
        province_name="Tỉnh Bắc Kạn",
    )
    unit = identity.AdministrativeUnit(
        vintage="from-2025-07",
        ward_code="01840",
        ward_name="Xã Ba Bể",
        province_code="19",
        province_name="Tỉnh Thái Nguyên",
    )
    citizen = identity.Citizen(
        name=CITIZEN,
        full_name=NAME,
        birth_date="1990-01-01",
        gender=identity.GENDER_FEMALE,
        identifiers=[
            identity.Identifier(
                kind=identity.IDENTIFIER_KIND_CITIZEN_NUMBER,
                value=NUMBER,
                assurance=identity.ASSURANCE_REGISTER_CHECKED,
                start_time=NOW,
            ),
            identity.Identifier(
                kind=identity.IDENTIFIER_KIND_OLD_IDENTITY_NUMBER,
                value="099000019",
                assurance=identity.ASSURANCE_SCANNED,
                start_time=NOW,
            ),
        ],
        address=identity.AddressResolution(
            text=ADDRESS,
            candidates=[
                identity.AddressCandidate(
                    new_unit=unit,
                    old_unit=old_unit,
                    change=identity.UNIT_CHANGE_MERGED,
                    reason_vi="Xã Khang Ninh, Huyện Ba Bể, Tỉnh Bắc Kạn nhập vào Xã Ba Bể, Tỉnh Thái Nguyên.",
                    reason_en="Xã Khang Ninh, Huyện Ba Bể, Tỉnh Bắc Kạn became Xã Ba Bể, Tỉnh Thái Nguyên.",
                    legal_reference="19/2025/QĐ-TTg",
                )
            ],
        ),
        create_time=NOW,
        update_time=NOW,
        verification=verification,
    )
    return identity.VerifyCardResponse(citizen=citizen, verification=verification)


def check_coverage_request() -> insurance.CheckCoverageRequest:
    """What the gateway asks insurance."""
    return insurance.CheckCoverageRequest(
        request_id=REQUEST_ID,
        visit=visit_name(),
        citizen=CITIZEN,
        identifier=NUMBER,
        full_name=NAME,
        birth_date="1990-01-01",
    )


def check_coverage_response() -> insurance.CheckCoverageResponse:
    """A valid card."""
    return insurance.CheckCoverageResponse(
        coverage=insurance.Coverage(
            name=f"{visit_name()}/coverages/0199d3a87c5e7b11a2c4d6e8f0a1b3c5",
            visit=visit_name(),
            citizen=CITIZEN,
            outcome=insurance.COVERAGE_OUTCOME_VALID,
            portal_code="000",
            explanation_vi="Thẻ BHYT hợp lệ. Tiếp nhận khám BHYT.",
            explanation_en="The card is valid on the day of the service.",
            card=insurance.InsuranceCard(
                number="DN4199926000019",
                object_group="DN",
                benefit_level=4,
                valid_from_date="2026-01-01",
                valid_to_date="2026-12-31",
                registered_facility_code="19999",
                area_code="K1",
                five_year_date="2027-01-01",
            ),
            evidence=[f"{visit_name()}/evidence/0199d3a87c5e7b12b3d5e7f9a1b2c4d6"],
            as_of_time=NOW,
            check_number=1,
        )
    )


def open_visit_request() -> emr.OpenVisitRequest:
    """What the gateway asks emr."""
    return emr.OpenVisitRequest(
        request_id=REQUEST_ID,
        visit_id=VISIT_ID,
        citizen=CITIZEN,
        kind=emr.VISIT_KIND_OUTPATIENT,
        reason_text=check_in_request().reason_text,
        room="KHAM-1",
        priority_class=emr.PRIORITY_CLASS_NORMAL,
    )


def open_visit_response() -> emr.OpenVisitResponse:
    """An open visit with its ticket."""
    return emr.OpenVisitResponse(
        visit=emr.Visit(
            name=visit_name(),
            citizen=CITIZEN,
            facility_code="19999",
            claim_link_id="0199d3a87c5b7e21b4d0c51e2a9f6b13",
            kind=emr.VISIT_KIND_OUTPATIENT,
            state=emr.VISIT_STATE_OPEN,
            reason_text=check_in_request().reason_text,
            open_time=NOW,
            ticket=emr.QueueTicket(
                name=f"{visit_name()}/ticket",
                room="KHAM-1",
                number=57,
                priority_class=emr.PRIORITY_CLASS_NORMAL,
                state=emr.TICKET_STATE_WAITING,
                queue_date="2026-09-21",
                create_time=NOW,
            ),
            version=1,
        )
    )


def open_bill_request() -> payment.OpenBillRequest:
    """What the gateway asks payment."""
    return payment.OpenBillRequest(request_id=REQUEST_ID, visit=visit_name(), citizen=CITIZEN)


def open_bill_response() -> payment.OpenBillResponse:
    """An empty draft."""
    return payment.OpenBillResponse(
        bill=payment.Bill(
            name=f"{visit_name()}/bill",
            citizen=CITIZEN,
            facility_code="19999",
            state=payment.BILL_STATE_DRAFT,
        )
    )


def check_in_request() -> gateway.CheckInRequest:
    """What a client asks."""
    return gateway.CheckInRequest(request_id=REQUEST_ID, card_qr=QR, reason_text="Đau đầu, sốt nhẹ hai ngày")


def legs() -> list[gateway.Leg]:
    """Four legs that were done."""
    return [
        gateway.Leg(leg=leg, state=gateway.LEG_STATE_DONE, duration_ms=12)
        for leg in ("identity", "insurance", "visit", "bill")
    ]


PORTAL_BODY = json.dumps(
    {"maThe": NUMBER, "hoTen": NAME, "ngaySinh": "01/01/1990", "hoTenCb": NAME, "cccdCb": NUMBER},
    ensure_ascii=False,
).encode()
PORTAL_QUERY = {"token": "t" * 64, "id_token": REQUEST_ID, "username": "19999_BV", "password": "A" * 32}


def portal_reply(visit_count: int = 2) -> bytes:
    """A portal's answer with a few past visits, as long as the sandbox's."""
    visit = {
        "maHoSo": "26000019001",
        "maCSKCB": "19999",
        "ngayVao": "202603020822",
        "ngayRa": "202603021741",
        "tenBenh": "Viêm họng cấp",
        "tinhTrang": "1",
        "kqDieuTri": "1",
        "lyDoVV": "1.1",
    }
    names = ("maTheMoi", "gtTheTuMoi", "gtTheDenMoi", "maDKBDMoi", "tenDKBDMoi", "maTheCu", "maKV", "cqBHXH")
    fields = dict.fromkeys(names, "01/01/2026")
    return json.dumps(
        {
            "maKetQua": "000",
            "ghiChu": "Thẻ còn giá trị sử dụng",
            "maThe": "DN4199926000019",
            "hoTen": NAME,
            "diaChi": ADDRESS,
            **fields,
            "dsLichSuKCB2018": [visit] * visit_count,
            "dsLichSuKT2018": [
                {
                    "userKT": "19999_BV",
                    "thoiGianKT": "202603020822",
                    "thongBao": "Thẻ còn giá trị",
                    "maLoi": "000",
                }
            ]
            * 5,
        },
        ensure_ascii=False,
    ).encode()
