"""A web server on loopback that behaves well and badly, by path."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.pictures import jpeg

DRIP_S = 20


class Handler(BaseHTTPRequestHandler):
    """/photo.jpg, /private (redirect), /loop (redirect), /drip, /huge, /page."""

    def do_GET(self) -> None:
        """Answers by path."""
        getattr(self, f"_{self.path.strip('/').partition('.')[0]}")()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""

    def _photo(self) -> None:
        self._answer(200, jpeg(77), "image/jpeg")

    def _page(self) -> None:
        self._answer(200, b"<html>hello</html>", "text/html")

    def _private(self) -> None:
        self._redirect("http://10.0.0.1/photo.jpg")

    def _loop(self) -> None:
        self._redirect("/loop")

    def _huge(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2**31))
        self.end_headers()

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(DRIP_S * 10):
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.1)

    def _redirect(self, location: str) -> None:
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, content: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Origin:
    """The server in a thread."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"http://{self.address}/{path}"

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
