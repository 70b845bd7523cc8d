"""Mail, sent: the NotificationService by SMTP. Extra `mail`."""

from usercore.adapters.smtp.rendering import Letter
from usercore.adapters.smtp.service import SmtpNotifications, open_smtp

__all__ = ["Letter", "SmtpNotifications", "open_smtp"]
