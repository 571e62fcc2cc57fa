from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('audit', '0001_initial')]

    operations = [migrations.AddField('AuditHead', 'anchored_at', models.DateTimeField(null=True))]
