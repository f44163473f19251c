@echo off
rem Starts the course on Windows: kurs start, kurs test, kurs --help
chcp 65001 >nul 2>nul
setlocal
set PYTHONUTF8=1
py -3 -c "" >nul 2>nul
if not errorlevel 1 (
  py -3 "%~dp0kurs" %*
  exit /b
)
python -c "" >nul 2>nul
if not errorlevel 1 (
  python "%~dp0kurs" %*
  exit /b
)
echo.
echo Auf diesem Gerät fehlt Python. Der Kurs braucht Python 3.11 oder neuer.
echo Bitte installieren Sie Python von der Seite python.org oder bitten Sie Ihre IT-Stelle darum.
echo Danach starten Sie den Kurs noch einmal:  kurs start
exit /b 1
