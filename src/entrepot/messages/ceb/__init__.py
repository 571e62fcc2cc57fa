"""China customs cross-border e-commerce messages (CEB, edition 202205): export order 303 and list 603, import list 621.

`write_lists` turns decided lines into message files with an index; `message_problems` says beforehand which
orders may not be sent; `read` takes any such message apart and `compose` writes it again.
"""

from entrepot.messages.ceb.archive import INDEX, read_message
from entrepot.messages.ceb.build import LINE_COLUMNS, build
from entrepot.messages.ceb.check import PROBLEMS, RULES, check
from entrepot.messages.ceb.documents import Documents, with_guids
from entrepot.messages.ceb.elements import KINDS, Element, elements, message_kind, personal_elements
from entrepot.messages.ceb.holes import ERASED, HOLE, SEALED, Seal, cut, filled
from entrepot.messages.ceb.lists import Written, message_problems, write_lists
from entrepot.messages.ceb.read import ReadMessage, compose, read, with_numbers
from entrepot.messages.ceb.sender import Party, Sender
from entrepot.messages.ceb.sign import NoSigner, RsaSigner, Signer, Verification, load_signer, make_test_key, verify
from entrepot.messages.ceb.write import Message, document_texts, messages

__all__ = [
    "ERASED", "HOLE", "INDEX", "KINDS", "LINE_COLUMNS", "PROBLEMS", "RULES", "SEALED", "Documents", "Element", "Message",
    "NoSigner", "Party", "ReadMessage", "RsaSigner", "Seal", "Sender", "Signer", "Verification", "Written", "build",
    "check", "compose", "cut", "document_texts", "elements", "filled", "load_signer", "make_test_key", "message_kind",
    "message_problems", "messages", "personal_elements", "read", "read_message", "verify", "with_guids", "with_numbers",
    "write_lists",
]  # fmt: skip
