#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/web.sh: the page in a real browser."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import CLIP, FaultyCamera, wait  # noqa: E402
import tap  # noqa: E402
from webpage import Page, TestCase  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    webdriver = None


@unittest.skipIf(webdriver is None or CHROMIUM is None or DRIVER is None,
                 "no chromium, chromium-driver or python3-selenium")
class Browser(TestCase):
    """Two cameras: one that asks for a password, and the clip."""

    @classmethod
    def setUpClass(cls):
        cls.faulty = FaultyCamera("--clip", str(CLIP))
        cls.addClassCleanup(cls.faulty.close)
        cls.web = cls.page(
            f"gate={cls.faulty.url('locked', 'user:secret@')}",
            f"street={CLIP}")
        cls.driver = cls.browser()

    @classmethod
    def browser(cls):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("headless=new", "no-sandbox", "disable-gpu",
                         "disable-dev-shm-usage", "window-size=1000,900"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        cls.addClassCleanup(lambda: contextlib.suppress(Exception).__enter__()
                            or driver.quit())
        driver.set_script_timeout(20)
        return driver

    def setUp(self):
        self.addCleanup(self.check_console)

    def check_console(self):
        errors = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(errors, [])

    def open(self, path="", driver=None):
        driver = driver or self.driver
        driver.get("about:blank")
        driver.get(self.web.url + path)

    def find(self, selector, driver=None):
        return (driver or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector, driver=None):
        return "|".join(element.text
                        for element in self.find(selector, driver))

    def time_of(self, selector, driver=None):
        return (driver or self.driver).execute_script(
            "return document.querySelector(arguments[0])?.currentTime ?? 0",
            selector)

    def wait_for_video(self, selector="#large-video", driver=None):
        wait(lambda: self.time_of(selector, driver) > 0, "video")
        before = self.time_of(selector, driver)
        wait(lambda: self.time_of(selector, driver) > before + 0.3,
             "the video to go on")

    def pixels(self, selector="#large-video"):
        """(r, g, b) of the video as it is shown, at 32x18 places."""
        data = self.driver.execute_script("""
            const canvas = document.createElement('canvas');
            canvas.width = 32; canvas.height = 18;
            const context = canvas.getContext('2d');
            context.drawImage(document.querySelector(arguments[0]),
                              0, 0, 32, 18);
            return [...context.getImageData(0, 0, 32, 18).data];""", selector)
        return list(zip(data[::4], data[1::4], data[2::4]))

    def share_of(self, color):
        """The share of the video that has about this color."""
        shown = self.pixels()
        return sum(all(abs(a - b) < 40 for a, b in zip(pixel, color))
                   for pixel in shown) / len(shown)

    def live(self, driver=None):
        return len(self.find(".tile[data-state=live]", driver))

    def test_grid(self):
        self.open()
        wait(lambda: self.live() == 2, "both cameras")
        for number in (1, 2):
            video = f".tile:nth-child({number}) video"
            self.wait_for_video(video)
            shown = self.pixels(video)
            self.assertGreater(max(map(sum, shown)), 200)  # not black
            self.assertGreater(len(set(shown)), 50)  # a picture
        self.assertEqual(self.text(".tile strong"), "gate|street")
        self.assertIn("2 of 2 live", self.text("#summary"))

    def test_one_large(self):
        self.open()
        wait(lambda: self.live() == 2, "both cameras")
        self.find(".tile")[1].click()
        self.wait_for_video()
        self.assertEqual(self.text("#large-name"), "street")
        wait(lambda: "%" in self.text("#classes output"), "shares")
        self.assertRegex(self.text("#facts"), r"\d\.\d\nframes a second")
        keys = self.driver.switch_to.active_element
        keys.send_keys("1")
        wait(lambda: self.text("#large-name") == "gate", "the other camera")
        self.driver.find_element(By.TAG_NAME, "body").send_keys("\ue00c")
        wait(lambda: self.find("#grid:not([hidden])"), "the grid")

    def test_controls_act_at_once(self):
        self.open("#/2")
        self.wait_for_video()
        self.find("#modes input[value=mask]")[0].click()
        road = (0x80, 0x40, 0x80)
        wait(lambda: self.share_of(road) > 0.15, "the colour of the road")
        box = wait(lambda: self.find("#classes input[data-label=road]"),
                   "classes")[0]
        before = self.time_of("#large-video")
        box.click()
        wait(lambda: self.share_of(road) < 0.02, "the road to go")
        self.assertGreater(self.time_of("#large-video"), before)
        # The next viewer gets the same settings.
        other = self.socket(self.web)
        settings = other.next("status")["cameras"][1]["settings"]
        self.assertEqual(settings["mode"], "mask")
        self.assertEqual(len(settings["hidden"]), 1)
        box.click()
        wait(lambda: self.share_of(road) > 0.15, "the road to come back")

    def test_camera_goes_and_comes_back(self):
        self.open("#/1")
        self.wait_for_video()
        other = self.socket(self.web)
        self.faulty.command("drop 4")
        seen = ""
        while "reconnecting" not in seen:
            seen += json.dumps(other.next("status"))
        wait(lambda: "reconnecting" in self.text("#large-state")
             and "reconnecting" in self.text("#large-veil"), "the state")
        wait(lambda: self.text("#large-state") == "live", "the camera")
        self.wait_for_video()
        self.assertRegex(self.text("#facts"), r"[1-9]\d*\nrestarts")
        for text in (seen, self.web.log(), self.driver.page_source):
            for secret in ("secret", "locked", str(self.faulty.port)):
                self.assertNotIn(secret, text)

    def test_two_viewers_one_frozen_one_killed(self):
        self.open("#/2")
        self.wait_for_video()
        other = self.browser()
        self.open("#/2", other)
        self.wait_for_video(driver=other)
        wait(lambda: "2 viewers" in self.text("#summary"), "two viewers")
        processes = self.processes_of(other)
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        self.wait_for_video()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait(lambda: "1 viewer" in self.text("#summary"), "one to be left")
        self.wait_for_video()

    @staticmethod
    def processes_of(driver):
        """The processes of the browser: all descendants of the driver's process."""
        children = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text()
                             .rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
        found = list(children.get(driver.service.process.pid, []))
        for process in found:
            found += children.get(process, [])
        return found

    def test_token(self):
        guarded = Page(CLIP, listen="0.0.0.0:0")
        self.addCleanup(guarded.close)
        self.driver.get(f"{guarded.url}#not-the-token")
        dialog = wait(lambda: self.find("#login[open]"), "the question")[0]
        self.assertTrue(dialog.is_displayed())
        self.find("#token")[0].send_keys(guarded.token)
        self.find("#login-form button")[0].click()
        self.wait_for_video()
        self.assertNotIn("token", self.driver.current_url)
        self.assertEqual(self.driver.execute_script(
            "return document.cookie"), "")  # HttpOnly
        # The console reports the refused request, as expected.
        refused = [entry["message"]
                   for entry in self.driver.get_log("browser")
                   if entry["level"] == "SEVERE"]
        self.assertTrue(refused and all("401" in line for line in refused),
                        refused)


if __name__ == "__main__":
    tap.main()
